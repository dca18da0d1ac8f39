// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <polytask/task/losses/pinball.h>

#include <cmath>

#include "tests/support/errors.h"
#include "tests/support/says.h"
#include "tests/task/losses/printed.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

TEST(PinballLoss, IsThatOfTheFormula) {
  // y = 1. Below it by 2 at q = 0.1: 0.1 · 2; above it by 3 at q = 0.9:
  // (0.9 - 1) · (-3). The mean of 0.2 and 0.3.
  const PinballLoss loss({0.1, 0.9});
  const at::Tensor output = at::tensor({-1.0, 4.0}).view({1, 2});
  const at::Tensor target = at::tensor({1.0}).view({1, 1});
  EXPECT_DOUBLE_EQ(loss(output, target).item<double>(), 0.25);
}

TEST(PinballLoss, OfTheMedianIsHalfTheAbsoluteError) {
  const at::Tensor output = at::tensor({-1.0, 4.0}).view({2, 1});
  const at::Tensor target = at::tensor({1.0, 1.0}).view({2, 1});
  EXPECT_DOUBLE_EQ(PinballLoss({0.5})(output, target).item<double>(), 1.25);
}

TEST(PinballLoss, HasTheQuantilesSlopes) {
  at::Tensor output = at::tensor({0.0, 2.0}).view({2, 1}).requires_grad_();
  PinballLoss({0.9})(output, at::tensor({1.0, 1.0}).view({2, 1})).backward();
  // -q where the output is too low, 1 - q where it is too high, over two rows.
  EXPECT_NEAR(output.grad()[0][0].item<double>(), -0.45, 1e-15);
  EXPECT_NEAR(output.grad()[1][0].item<double>(), 0.05, 1e-15);
}

TEST(PinballLoss, RefusesAnotherNumberOfColumns) {
  const PinballLoss loss({0.1, 0.9});
  EXPECT_TRUE(says(
      error_of([&] { loss(at::zeros({4, 3}), at::zeros({4, 1})); }),
      {"PinballLoss: expected an output of shape [B, 2]", "[4, 3]"}));
}

TEST(PinballLoss, RefusesAFlatTarget) {
  const PinballLoss loss({0.1, 0.9});
  EXPECT_TRUE(says(
      error_of([&] { loss(at::zeros({4, 2}), at::zeros({4})); }),
      {"expected a target of shape [4, 1]", "but got [4]"}));
}

TEST(PinballLoss, RefusesToHaveNoQuantile) {
  EXPECT_TRUE(
      says(error_of([] { PinballLoss({}); }), {"at least one quantile"}));
}

class PinballBadQuantile : public ::testing::TestWithParam<double> {};

TEST_P(PinballBadQuantile, IsRefused) {
  EXPECT_TRUE(says(
      error_of([] { PinballLoss({0.5, PinballBadQuantile::GetParam()}); }),
      {"PinballLoss: expected quantiles between 0 and 1, but got"}));
}

INSTANTIATE_TEST_SUITE_P(
    Quantiles, PinballBadQuantile, ::testing::Values(0.0, 1.0, -0.1, 1.1, NAN));

TEST(PinballLoss, PrintsAConstructorCall) {
  EXPECT_EQ(
      testing::printed(PinballLoss({0.1, 0.9})),
      "polytask::PinballLoss(quantiles=[0.1, 0.9])");
}

} // namespace
} // namespace polytask
