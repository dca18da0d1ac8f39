// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/math/linear_solve.h>

#include "tests/support/gramians.h"

namespace polytask::math {
namespace {

using testing::gramian_of;
using testing::largest_difference;
using testing::product;
using testing::random_rows;

TEST(SolveSpd, SolvesTheSystem) {
  const Matrix matrix = gramian_of(random_rows(7, 12, 1));
  const Vector rhs = {1, 2, 3, 4, 5, 6, 7};
  EXPECT_LT(
      largest_difference(product(matrix, *solve_spd(matrix, rhs)), rhs), 1e-11);
}

TEST(SolveSpd, HasNothingForASingularMatrix) {
  EXPECT_FALSE(solve_spd(gramian_of({{1, 2}, {2, 4}}), Vector{1, 2}));
}

TEST(PseudoSolve, EqualsTheSolutionWhereThereIsOne) {
  const Matrix matrix = gramian_of(random_rows(7, 12, 2));
  const Vector rhs = {1, 2, 3, 4, 5, 6, 7};
  EXPECT_LT(
      largest_difference(pseudo_solve(matrix, rhs), *solve_spd(matrix, rhs)),
      1e-11);
}

TEST(PseudoSolve, SharesAmongEqualRows) {
  const Matrix matrix = gramian_of({{2, 0}, {2, 0}, {0, 1}});
  EXPECT_LT(
      largest_difference(pseudo_solve(matrix, Vector{4, 4, 3}), {0.5, 0.5, 3}),
      1e-14);
}

TEST(PseudoSolve, FitsWhatTheMatrixCannotReach) {
  EXPECT_LT(
      largest_difference(
          pseudo_solve(gramian_of({{1}, {1}}), Vector{1, 3}), {1, 1}),
      1e-14);
  EXPECT_EQ(pseudo_solve(Matrix(2), Vector{1, 2}), (Vector{0, 0}));
}

} // namespace
} // namespace polytask::math
