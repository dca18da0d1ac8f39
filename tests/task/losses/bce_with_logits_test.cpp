// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>
#include <polytask/task/losses/bce_with_logits.h>
#include <torch/nn/functional/loss.h>

#include <cmath>

#include "tests/support/errors.h"
#include "tests/support/says.h"
#include "tests/task/losses/printed.h"

namespace polytask {
namespace {

TEST(BCEWithLogitsLoss, EqualsLibTorchs) {
  const at::Tensor output = at::randn({9, 3});
  const at::Tensor target = at::rand({9, 3});
  EXPECT_TRUE(at::equal(
      BCEWithLogitsLoss()(output, target),
      torch::nn::functional::binary_cross_entropy_with_logits(output, target)));
}

TEST(BCEWithLogitsLoss, EqualsLibTorchsWithAPositiveWeight) {
  namespace F = torch::nn::functional;
  const at::Tensor output = at::randn({9, 3});
  const at::Tensor target = at::rand({9, 3});
  const auto options = F::BinaryCrossEntropyWithLogitsFuncOptions().pos_weight(
      at::full({3}, 2.5));
  EXPECT_TRUE(at::equal(
      BCEWithLogitsLoss(2.5)(output, target),
      F::binary_cross_entropy_with_logits(output, target, options)));
}

TEST(BCEWithLogitsLoss, PrintsAConstructorCall) {
  EXPECT_EQ(
      testing::printed(BCEWithLogitsLoss(2)),
      "polytask::BCEWithLogitsLoss(positive_weight=2)");
}

class BCEBadWeight : public ::testing::TestWithParam<double> {};

TEST_P(BCEBadWeight, IsRefused) {
  EXPECT_TRUE(testing::says(
      testing::error_of(
          [] { (void)BCEWithLogitsLoss(BCEBadWeight::GetParam()); }),
      {"BCEWithLogitsLoss: expected a positive weight, but got"}));
}

INSTANTIATE_TEST_SUITE_P(
    Weights, BCEBadWeight, ::testing::Values(0.0, -1.0, NAN));

} // namespace
} // namespace polytask
