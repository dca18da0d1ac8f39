// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/math/linear_solve.h>
#include <polytask/math/normalized_gramian.h>

#include <cmath>

#include "tests/support/gramians.h"

namespace polytask::math {
namespace {

using testing::gramian_of;
using testing::largest_difference;
using testing::product;
using testing::random_rows;

Matrix cosines_of(const testing::Rows& rows) {
  return normalize_gramian(gramian_of(rows)).cosines;
}

TEST(ShortestSolution, SolvesTheSystem) {
  for (const double rounding : {0x1p-53, 0x1p-24}) {
    Matrix matrix = cosines_of(random_rows(7, 12, 1));
    matrix.set_rounding(rounding);
    const Vector rhs = {1, 2, 3, 4, 5, 6, 7};
    EXPECT_LT(
        largest_difference(
            product(matrix, shortest_solution(matrix, rhs)), rhs),
        1e-11);
  }
}

TEST(ShortestSolution, SharesAmongEqualRows) {
  const Matrix matrix = cosines_of({{2, 0}, {2, 0}, {0, 1}});
  EXPECT_LT(
      largest_difference(shortest_solution(matrix, Vector{4, 4, 3}), {2, 2, 3}),
      1e-11);
}

TEST(ShortestSolution, IsOfOrderOneWhereRowsAreEqualToTheirRounding) {
  Matrix matrix = cosines_of({{2, 0}, {2, 1e-7}, {0, 1}});
  matrix.set_rounding(0x1p-24);
  const Vector rhs = {4, 4, 3};
  const Vector solution = shortest_solution(matrix, rhs);
  EXPECT_LT(largest_difference(solution, {2, 2, 3}), 2);
  EXPECT_LT(largest_difference(product(matrix, solution), rhs), 1e-6);
}

TEST(ShortestSolution, IsLargeForWhatTheMatrixCannotReach) {
  EXPECT_GT(
      std::abs(shortest_solution(cosines_of({{1}, {-1}}), Vector{1, 1})[0]),
      1e9);
  EXPECT_EQ(shortest_solution(Matrix(2), Vector{0, 0}), (Vector{0, 0}));
}

} // namespace
} // namespace polytask::math
