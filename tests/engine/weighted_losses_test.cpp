// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "engine/weighted_losses.h"

#include <gtest/gtest.h>

#include "tests/support/devices.h"

namespace polytask {
namespace {

class WeightedLossesOnDevice : public testing::EachDevice {
 protected:
  torch::Tensor loss_of(double value) {
    return torch::tensor(value, torch::dtype(torch::kFloat).device(device()))
        .requires_grad_();
  }
};

TEST_P(WeightedLossesOnDevice, AddUpByWeight) {
  WeightedLosses losses(3);
  losses.add(2, 0.5, loss_of(4));
  losses.add(0, 1, loss_of(3));
  EXPECT_EQ(losses.total().item<float>(), 5);
  EXPECT_TRUE(losses.total().requires_grad());
}

TEST_P(WeightedLossesOnDevice, AreReportedWithoutTheirWeights) {
  WeightedLosses losses(3);
  losses.add(2, 0.5, loss_of(4));
  losses.add(0, 1, loss_of(3));
  const StepReport report = losses.report();
  const auto options = torch::dtype(torch::kFloat).device(device());
  EXPECT_TRUE(torch::equal(report.losses, torch::tensor({3, 0, 4}, options)));
  EXPECT_TRUE(
      torch::equal(report.weights, torch::tensor({1.0, 0.0, 0.5}, options)));
  EXPECT_FALSE(report.losses.requires_grad());
  EXPECT_FALSE(report.weights.requires_grad());
}

POLYTASK_ON_EACH_DEVICE(WeightedLossesOnDevice);

TEST(WeightedLosses, KeepALossOfWeightOneAsItIs) {
  WeightedLosses losses(1);
  const auto loss = torch::ones({});
  losses.add(0, 1, loss);
  EXPECT_TRUE(losses.total().is_same(loss));
}

TEST(WeightedLosses, AreZeroBeforeTheFirst) {
  const WeightedLosses losses(2);
  EXPECT_FALSE(losses.total().defined());
  EXPECT_TRUE(
      torch::equal(losses.report().losses, torch::zeros({2}, torch::kDouble)));
  EXPECT_EQ(
      WeightedLosses(2, torch::kFloat).report().losses.scalar_type(),
      torch::kFloat);
}

TEST(WeightedLosses, AreReportedInTheDtypeOfTheLosses) {
  WeightedLosses losses(1);
  losses.add(0, 1, torch::tensor(0.1, torch::kDouble));
  EXPECT_EQ(losses.report().losses.scalar_type(), torch::kDouble);
  EXPECT_EQ(losses.report().losses[0].item<double>(), 0.1);
}

} // namespace
} // namespace polytask
