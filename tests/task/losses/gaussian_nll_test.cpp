// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/allclose.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <polytask/task/losses/gaussian_nll.h>

#include <cmath>
#include <limits>

#include "tests/support/errors.h"
#include "tests/support/says.h"
#include "tests/task/losses/printed.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

TEST(GaussianNLLLoss, IsThatOfTheFormula) {
  // ½ (s + (y - m)² exp(-s)) with m = 1, s = ln 4, y = 3: ½ (ln 4 + 4 / 4),
  // and with m = 0, s = 0, y = 2: ½ (0 + 4).
  const at::Tensor output =
      at::tensor({1.0, std::log(4.0), 0.0, 0.0}).view({2, 2});
  const at::Tensor target = at::tensor({3.0, 2.0}).view({2, 1});
  const double expected = (0.5 * (std::log(4.0) + 1) + 2) / 2;
  EXPECT_DOUBLE_EQ(GaussianNLLLoss()(output, target).item<double>(), expected);
}

TEST(GaussianNLLLoss, IsLeastAtTheErrorsVariance) {
  // d/ds = ½ (1 - r² exp(-s)) is 0 where exp(s) = r².
  at::Tensor output =
      at::tensor({0.0, std::log(9.0)}).view({1, 2}).requires_grad_();
  GaussianNLLLoss()(output, at::tensor({3.0}).view({1, 1})).backward();
  EXPECT_NEAR(output.grad()[0][1].item<double>(), 0, 1e-15);
}

TEST(GaussianNLLLoss, MissesSingleElements) {
  const at::Tensor output = at::randn({2, 4}, at::kDouble);
  at::Tensor target = at::randn({2, 2}, at::kDouble);
  target[0][1] = std::numeric_limits<double>::quiet_NaN();
  // Without that element: rows of one mean, one log variance.
  const at::Tensor rows = at::stack(
      {output.select(1, 0).select(0, 0),
       output.select(1, 2).select(0, 0),
       output[1][0],
       output[1][2],
       output[1][1],
       output[1][3]});
  const at::Tensor labels =
      at::stack({target[0][0], target[1][0], target[1][1]});
  EXPECT_TRUE(at::allclose(
      GaussianNLLLoss()(output, target),
      GaussianNLLLoss()(rows.view({3, 2}), labels.view({3, 1})),
      1e-12,
      1e-12));
}

TEST(GaussianNLLLoss, TakesFurtherDimensions) {
  const at::Tensor value =
      GaussianNLLLoss()(at::randn({2, 6, 5}), at::randn({2, 3, 5}));
  EXPECT_TRUE(value.isfinite().item<bool>());
}

TEST(GaussianNLLLoss, RefusesAnOddWidth) {
  EXPECT_TRUE(says(
      error_of([] { GaussianNLLLoss()(at::zeros({2, 3}), at::zeros({2, 1})); }),
      {"GaussianNLLLoss: expected an output of shape [B, 2D]", "[2, 3]"}));
}

TEST(GaussianNLLLoss, AddsTheConstantWhenFull) {
  const at::Tensor output = at::randn({3, 2}, at::kDouble);
  const at::Tensor target = at::randn({3, 1}, at::kDouble);
  const GaussianNLLLoss full(GaussianNLLLossOptions().full(true));
  EXPECT_NEAR(
      full(output, target).item<double>(),
      GaussianNLLLoss()(output, target).item<double>() +
          0.5 * std::log(2 * std::acos(-1.0)),
      1e-12);
}

TEST(GaussianNLLLoss, PrintsAConstructorCall) {
  EXPECT_EQ(
      testing::printed(GaussianNLLLoss()),
      "polytask::GaussianNLLLoss(full=false)");
}

} // namespace
} // namespace polytask
