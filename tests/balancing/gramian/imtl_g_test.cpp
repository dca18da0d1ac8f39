// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/gramian/imtl_g.h>

#include <cmath>

#include "tests/support/gramians.h"

namespace polytask::balancing {
namespace {

TEST(IMTLG, ProjectsEquallyOnRowsOfAnyLength) {
  auto rows = testing::random_rows(4, 8, 2);
  for (double& value : rows[2]) {
    value *= 1e-9;
  }
  const auto gramian = testing::gramian_of(rows);
  const auto weights = IMTLG().solve(gramian);
  const auto products = testing::product(gramian, weights);
  const double first = products[0] / std::sqrt(gramian(0, 0));
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(
        products[static_cast<size_t>(i)] / std::sqrt(gramian(i, i)) / first,
        1,
        1e-9);
  }
}

TEST(IMTLG, SharesAmongDuplicatesAndLeavesOutZeroRows) {
  const auto weights =
      IMTLG().solve(testing::gramian_of({{1, 0}, {1, 0}, {0, 0}, {0, 1}}));
  EXPECT_LT(testing::largest_difference(weights, {0.25, 0.25, 0, 0.5}), 1e-12);
}

TEST(IMTLG, IsZeroWhereOnlyZeroProjectsEqually) {
  EXPECT_EQ(
      IMTLG().solve(testing::gramian_of({{1, 0}, {-2, 0}})),
      math::Vector(2, 0.0));
  // More rows than columns.
  EXPECT_EQ(
      IMTLG().solve(testing::gramian_of(testing::random_rows(5, 3, 1))),
      math::Vector(5, 0.0));
}

} // namespace
} // namespace polytask::balancing
