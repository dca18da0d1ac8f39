// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/gramian/nash_mtl.h>

#include <cmath>

#include "tests/support/gramians.h"

namespace polytask::balancing {
namespace {

TEST(NashMTL, ClipsToItsLargestNorm) {
  const auto gramian = testing::gramian_of(testing::random_rows(4, 8, 1));
  const auto length = [&](double max_norm) {
    const auto weights =
        NashMTL(NashMTLOptions().max_norm(max_norm)).solve(gramian);
    return std::sqrt(
        testing::inner(weights, testing::product(gramian, weights)));
  };
  EXPECT_NEAR(length(0), 2, 1e-9);
  EXPECT_NEAR(length(1.5), 1.5, 1e-9);
  EXPECT_NEAR(length(3), 2, 1e-9);
}

TEST(NashMTL, LeavesOutZeroRows) {
  const auto gramian = testing::gramian_of({{0, 0}, {3, 0}, {0, 2}});
  const auto weights = NashMTL(NashMTLOptions().max_norm(0)).solve(gramian);
  EXPECT_LT(testing::largest_difference(weights, {0, 1 / 3.0, 0.5}), 1e-9);
  EXPECT_EQ(NashMTL().solve(math::Matrix(3)), math::Vector(3, 0.0));
}

TEST(NashMTL, IsZeroWhereTasksAreStationary) {
  for (const double scale : {1e-20, 1.0, 1e20}) {
    NashMTL method;
    // Not what it gave before.
    method.solve(testing::gramian_of({{1, 0}, {0, 1}, {1, 1}}, scale));
    const auto gramian = testing::gramian_of({{1, 2}, {-2, -4}, {3, 6}}, scale);
    const auto weights = method.solve(gramian);
    EXPECT_LT(
        testing::inner(weights, testing::product(gramian, weights)), 1e-9);
  }
}

TEST(NashMTL, HarmsNoTaskWhereSomeAreStationary) {
  for (const double scale : {1e-20, 1.0, 1e20}) {
    const auto gramian = testing::gramian_of({{1, 0}, {-2, 0}, {0, 3}}, scale);
    const auto products = testing::product(
        gramian, NashMTL(NashMTLOptions().max_norm(0)).solve(gramian));
    EXPECT_NEAR(products[0] / std::sqrt(scale), 0, 1e-4);
    EXPECT_NEAR(products[1] / std::sqrt(scale), 0, 1e-4);
    EXPECT_GE(products[2] / std::sqrt(scale), 0);
    EXPECT_LE(products[2] / std::sqrt(scale), 3);
  }
}

TEST(NashMTL, KeepsWeightsBetweenSolutionsAndClipsThemAnew) {
  NashMTL method(NashMTLOptions().update_weights_every(2));
  const math::Matrix first = testing::gramian_of({{1, 0}, {0, 1}});
  const math::Matrix second = testing::gramian_of({{2, 0}, {0, 4}});
  method.solve(first);
  // Solves 1 / √2 (1, 1) for the first; (1, 1) unclipped, of length √20.
  const auto kept = method.solve(second);
  EXPECT_NEAR(kept[0], 1 / std::sqrt(20.0), 1e-9);
  EXPECT_NEAR(kept[1], 1 / std::sqrt(20.0), 1e-9);
  const auto solved = method.solve(second);
  EXPECT_NEAR(solved[0], 2 * solved[1], 1e-9);
  EXPECT_TRUE(method.wants_gradients());
}

} // namespace
} // namespace polytask::balancing
