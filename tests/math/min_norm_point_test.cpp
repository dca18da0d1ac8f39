// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/math/min_norm_point.h>

#include <numeric>

#include "tests/support/gramians.h"

namespace polytask::math {
namespace {

using testing::gramian_of;
using testing::inner;
using testing::largest_difference;
using testing::product;
using testing::random_rows;
using testing::Rows;

// A point w of the simplex is shortest where G w is nowhere below w^T G w.
void expect_min_norm_point(const Matrix& gramian, double tolerance) {
  const Vector weights = min_norm_point(gramian);
  const Vector products = product(gramian, weights);
  const double square = inner(weights, products);
  EXPECT_NEAR(std::accumulate(weights.begin(), weights.end(), 0.0), 1, 1e-14);
  for (size_t i = 0; i < weights.size(); ++i) {
    EXPECT_GE(weights[i], 0);
    EXPECT_GE(products[i], square - tolerance);
  }
}

TEST(MinNormPoint, OfConflictingRowsIsOnTheirSegment) {
  const Vector weights = min_norm_point(gramian_of({{2, 0.5}, {-1, 1.5}}));
  EXPECT_LT(largest_difference(weights, {0.45, 0.55}), 1e-15);
}

TEST(MinNormPoint, OfAlignedRowsIsTheShortest) {
  EXPECT_EQ(min_norm_point(gramian_of({{2, 0}, {1, 0.1}})), (Vector{0, 1}));
}

TEST(MinNormPoint, OfOneRowIsThatRow) {
  EXPECT_EQ(min_norm_point(gramian_of({{3, 4}})), Vector{1.0});
}

TEST(MinNormPoint, IsAZeroRow) {
  EXPECT_EQ(
      min_norm_point(gramian_of({{1, 2}, {0, 0}, {-1, 1}})), (Vector{0, 1, 0}));
}

TEST(MinNormPoint, SharesTheWeightAmongZeroRows) {
  EXPECT_EQ(
      min_norm_point(gramian_of({{0, 0}, {1, 2}, {0, 0}})),
      (Vector{0.5, 0, 0.5}));
}

TEST(MinNormPoint, OfOppositeRowsIsZero) {
  const Vector weights = min_norm_point(gramian_of({{3, 6}, {-1, -2}}));
  EXPECT_LT(largest_difference(weights, {0.25, 0.75}), 1e-15);
}

TEST(MinNormPoint, DoesNotMindDuplicates) {
  Rows rows = random_rows(6, 4, 1);
  rows[4] = rows[1];
  expect_min_norm_point(gramian_of(rows), 1e-14);
}

TEST(MinNormPoint, DoesNotMindScale) {
  const Rows rows = random_rows(6, 8, 2);
  const Vector weights = min_norm_point(gramian_of(rows));
  for (const double scale : {1e-24, 1e24}) {
    EXPECT_LT(
        largest_difference(min_norm_point(gramian_of(rows, scale)), weights),
        1e-14);
  }
}

TEST(MinNormPoint, OfRowsOfVeryDifferentLengthIsStillExact) {
  // Along {1e4, 0} the short row has a share of 1e-8: (1, -1) 1e-4 + w (1e4, 0)
  // is shortest at a right angle to the first row.
  const Vector weights = min_norm_point(gramian_of({{1e4, 0}, {-1e-4, 1e-4}}));
  EXPECT_NEAR(weights[0] * 1e8, 1, 1e-7);
}

class MinNormPointOfSize : public ::testing::TestWithParam<size_t> {};

TEST_P(MinNormPointOfSize, HasNoDescentLeft) {
  const size_t size = GetParam();
  expect_min_norm_point(gramian_of(random_rows(size, 2 * size, 3)), 1e-12);
  expect_min_norm_point(gramian_of(random_rows(size, 3, 4)), 1e-12);
}

INSTANTIATE_TEST_SUITE_P(
    All, MinNormPointOfSize, ::testing::Values(1, 2, 5, 17, 64, 256));

} // namespace
} // namespace polytask::math
