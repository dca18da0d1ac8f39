// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <polytask/balancing/gramian/imtl.h>
#include <polytask/balancing/gramian/imtl_g.h>

#include <cmath>

#include "tests/support/gramians.h"

namespace polytask::balancing {
namespace {

TEST(IMTL, BringsTheScaledLossesToOne) {
  const auto gramian = testing::gramian_of({{1, 0}, {0, 2}});
  const Extras extras = {{"losses", at::tensor({1000.0, 0.1}, at::kDouble)}};
  IMTL method(IMTLOptions().loss_scale_lr(0.1));
  for (int step = 0; step < 300; ++step) {
    method.solve(gramian, extras);
  }
  const auto scale = method.state().at("loss_scale");
  EXPECT_NEAR(scale[0].item<double>(), -std::log(1000), 1e-6);
  EXPECT_NEAR(scale[1].item<double>(), -std::log(0.1), 1e-6);
}

TEST(IMTL, HasTheDirectionOfIMTLG) {
  const auto gramian = testing::gramian_of(testing::random_rows(3, 5, 1));
  const Extras extras = {
      {"losses", at::tensor({1.0, 2.0, 3.0}, at::kDouble)},
      {"loss_scale", at::tensor({1.0, -2.0, 0.5}, at::kDouble)}};
  const auto expected = IMTLG().solve(gramian);
  auto weights = IMTL().solve(gramian, extras);
  const double factor = expected[0] / weights[0];
  for (double& weight : weights) {
    weight *= factor;
  }
  EXPECT_LT(testing::largest_difference(weights, expected), 1e-12);
}

} // namespace
} // namespace polytask::balancing
