// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/gramian/fairgrad.h>

#include <cmath>

#include "tests/support/gramians.h"

namespace polytask::balancing {
namespace {

TEST(FairGrad, SolvesItsEquationOnRowsOfAnyLength) {
  auto rows = testing::random_rows(4, 8, 2);
  for (double& value : rows[1]) {
    value *= 1e6;
  }
  const auto gramian = testing::gramian_of(rows);
  for (const double alpha : {0.5, 1.0, 2.0}) {
    const auto weights =
        FairGrad(FairGradOptions().alpha(alpha)).solve(gramian);
    const auto gains = testing::product(gramian, weights);
    for (size_t i = 0; i < weights.size(); ++i) {
      EXPECT_NEAR(gains[i] * std::pow(weights[i], 1 / alpha), 1, 1e-6);
    }
  }
}

TEST(FairGrad, LeavesOutZeroRowsAndIsZeroOnStationaryOnes) {
  const auto gramian = testing::gramian_of({{0, 0}, {1, 0}, {-3, 0}});
  const auto weights = FairGrad().solve(gramian);
  EXPECT_EQ(weights[0], 0);
  EXPECT_LT(testing::inner(weights, testing::product(gramian, weights)), 1e-12);
  EXPECT_EQ(FairGrad().solve(math::Matrix(2)), math::Vector(2, 0.0));
}

} // namespace
} // namespace polytask::balancing
