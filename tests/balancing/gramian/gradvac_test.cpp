// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <polytask/balancing/gramian/gradvac.h>

#include "tests/support/gramians.h"

namespace polytask::balancing {
namespace {

TEST(GradVac, LeavesATargetThatCannotBeReached) {
  GradVac method(GradVacOptions().beta(1));
  method.solve(testing::gramian_of({{1, 0}, {2, 0}}));
  // The cosines were 1.
  const auto weights = method.solve(testing::gramian_of({{1, 0}, {0, 2}}));
  EXPECT_EQ(weights, (math::Vector{1, 1}));
}

TEST(GradVac, BringsACosineToItsAverage) {
  GradVac method(GradVacOptions().beta(0.5));
  // Cosines of 0.6 make averages of 0.3.
  method.solve(testing::gramian_of({{1, 0}, {0.6, 0.8}}));
  const auto gramian = testing::gramian_of({{1, 0}, {0, 1}});
  const auto weights = method.solve(gramian);
  // (1, a) and (a, 1) with a / √(1 + a²) = 0.3.
  const double a = 0.3 / std::sqrt(1 - 0.09);
  EXPECT_LT(testing::largest_difference(weights, {1 + a, 1 + a}), 1e-12);
}

} // namespace
} // namespace polytask::balancing
