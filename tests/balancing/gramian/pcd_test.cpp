// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/gramian/pcd.h>

#include <cmath>

#include "tests/support/errors.h"
#include "tests/support/gramians.h"
#include "tests/support/says.h"

namespace polytask::balancing {
namespace {

TEST(PCD, IsAsLongAsTheFirstAndGainsForTheOthers) {
  const auto gramian = testing::gramian_of(testing::random_rows(4, 8, 3));
  const auto weights = PCD().solve(gramian);
  const auto products = testing::product(gramian, weights);
  EXPECT_NEAR(testing::inner(weights, products), gramian(0, 0), 1e-9);
  for (const double product : products) {
    EXPECT_GT(product, 0);
  }
}

TEST(PCD, IsTheFirstWhereItsConstraintsExcludeEachOther) {
  const auto gramian = testing::gramian_of({{1, 1}, {0, 1}, {0, -2}});
  EXPECT_EQ(PCD().solve(gramian), (math::Vector{1, 0, 0}));
  // Against its own opposite too.
  const auto opposite = testing::gramian_of({{1, 0}, {-1, 0}});
  PCD willing(PCDOptions().tau({0}));
  EXPECT_LT(
      testing::largest_difference(willing.solve(opposite), {0, 0}), 1e-12);
}

TEST(PCD, IsZeroWhereTheFirstIs) {
  EXPECT_EQ(
      PCD().solve(testing::gramian_of({{0, 0}, {1, 0}})), (math::Vector{0, 0}));
}

TEST(PCD, ReadsTheConstraintsOfTheTasksThatTakePart) {
  PCD method(PCDOptions().tau({0.1, 0.2, 0.9}));
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { method.prepare(3); }), {"2 tasks", "got 3"}));
  method.prepare(4);
  const auto gramian = testing::gramian_of({{1, 0}, {0, 1}});
  math::Vector weights;
  method.with_tasks({0, 3}, [&] { weights = method.solve(gramian); });
  EXPECT_NEAR(weights[1] / weights[0], 0.9, 1e-12);
  // Without the first task, the next has priority.
  method.with_tasks({1, 2}, [&] { weights = method.solve(gramian); });
  EXPECT_NEAR(weights[1] / weights[0], 0.2, 1e-12);
}

} // namespace
} // namespace polytask::balancing
