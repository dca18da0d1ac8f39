// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <polytask/task/losses/huber.h>
#include <torch/nn/functional/loss.h>

#include <cmath>

#include "tests/support/errors.h"
#include "tests/support/says.h"
#include "tests/task/losses/printed.h"

namespace polytask {
namespace {

class HuberDelta : public ::testing::TestWithParam<double> {};

TEST_P(HuberDelta, GivesLibTorchsLoss) {
  namespace F = torch::nn::functional;
  const at::Tensor output = at::randn({9, 3});
  const at::Tensor target = at::randn({9, 3});
  EXPECT_TRUE(at::equal(
      HuberLoss(GetParam())(output, target),
      F::huber_loss(
          output, target, F::HuberLossFuncOptions().delta(GetParam()))));
}

INSTANTIATE_TEST_SUITE_P(Deltas, HuberDelta, ::testing::Values(0.1, 1.0, 2.5));

TEST(HuberLoss, IsSquareNearZeroAndLinearBeyondDelta) {
  // delta = 2: ½ 1² = 0.5 and 2 (3 - 1) = 4, by the formula of the header.
  const at::Tensor target = at::tensor({0.0, 0.0});
  EXPECT_DOUBLE_EQ(
      HuberLoss(2)(at::tensor({1.0, -3.0}), target).item<double>(), 2.25);
}

TEST(HuberLoss, PrintsAConstructorCall) {
  EXPECT_EQ(testing::printed(HuberLoss(0.5)), "polytask::HuberLoss(delta=0.5)");
}

class HuberBadDelta : public ::testing::TestWithParam<double> {};

TEST_P(HuberBadDelta, IsRefused) {
  EXPECT_TRUE(testing::says(
      testing::error_of([] { (void)HuberLoss(HuberBadDelta::GetParam()); }),
      {"HuberLoss: expected a positive delta, but got"}));
}

INSTANTIATE_TEST_SUITE_P(
    Deltas, HuberBadDelta, ::testing::Values(0.0, -1.0, NAN));

} // namespace
} // namespace polytask
