// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/math/power_equation.h>

#include <cmath>

#include "tests/support/errors.h"
#include "tests/support/gramians.h"
#include "tests/support/says.h"

namespace polytask::math {
namespace {

using testing::gramian_of;
using testing::inner;
using testing::largest_difference;
using testing::product;
using testing::random_rows;
using testing::Rows;

// The residual relative to the terms of the left side.
void expect_power_equation(const Matrix& gramian, double alpha) {
  const auto weights = solve_power_equation(gramian, alpha);
  const Vector left = product(gramian, weights);
  for (size_t i = 0; i < left.size(); ++i) {
    ASSERT_GT(weights[i], 0);
    const double right = std::pow(weights[i], -1 / alpha);
    double terms = right;
    for (size_t j = 0; j < left.size(); ++j) {
      terms += std::abs(gramian(i, j)) * weights[j];
    }
    EXPECT_LE(std::abs(left[i] - right), 1e-13 * terms);
  }
}

TEST(PowerEquation, OfOneRowIsAPowerOfItsNorm) {
  EXPECT_NEAR(solve_power_equation(gramian_of({{2}}), 1).at(0), 0.5, 1e-15);
  EXPECT_NEAR(
      solve_power_equation(gramian_of({{2}}), 2).at(0),
      std::pow(4, -2.0 / 3),
      1e-15);
}

TEST(PowerEquation, OfTwoRowsIsNashsClosedForm) {
  // w_i = 1 / (|g_i| sqrt(1 + cos)).
  const auto weights =
      solve_power_equation(gramian_of({{3, 0}, {-1, std::sqrt(3.0)}}), 1);
  EXPECT_NEAR(weights.at(0), 1 / (3 * std::sqrt(0.5)), 1e-14);
  EXPECT_NEAR(weights.at(1), 1 / (2 * std::sqrt(0.5)), 1e-14);
}

TEST(PowerEquation, OfOrthogonalRowsIsThatOfEach) {
  const auto weights = solve_power_equation(gramian_of({{2, 0}, {0, 1}}), 0.5);
  EXPECT_NEAR(weights.at(0), std::pow(4, -1.0 / 3), 1e-15);
  EXPECT_NEAR(weights.at(1), 1, 1e-15);
}

TEST(PowerEquation, RefusesAZeroRow) {
  EXPECT_TRUE(testing::says(
      testing::error_of(
          [] { solve_power_equation(gramian_of({{1, 2}, {0, 0}}), 1); }),
      {"solve_power_equation", "row of zeros"}));
}

class PowerEquationWith : public ::testing::TestWithParam<double> {};

TEST_P(PowerEquationWith, HasAZeroSumWhereRowsCancel) {
  const double alpha = GetParam();
  const Matrix line = gramian_of({{1, 2}, {-3, -6}});
  const Matrix plane = gramian_of({{1, 0}, {-1, 2}, {-1, -2}, {5, 0.1}});
  for (const Matrix& gramian : {line, plane}) {
    const Vector weights = solve_power_equation(gramian, alpha);
    EXPECT_LT(inner(weights, product(gramian, weights)), 1e-6);
  }
}

TEST_P(PowerEquationWith, HarmsNoRowWhereOthersCancel) {
  const Matrix gramian = gramian_of({{1, 0}, {-2, 0}, {0, 3}});
  const Vector products =
      product(gramian, solve_power_equation(gramian, GetParam()));
  EXPECT_NEAR(products[0], 0, 1e-3);
  EXPECT_NEAR(products[1], 0, 1e-3);
  EXPECT_GE(products[2], 0);
}

TEST_P(PowerEquationWith, IsSatisfied) {
  const double alpha = GetParam();
  for (const size_t size : {1, 3, 8, 40}) {
    expect_power_equation(gramian_of(random_rows(size, 3 * size, 1)), alpha);
  }
}

TEST_P(PowerEquationWith, IsSatisfiedByDuplicates) {
  Rows rows = random_rows(4, 6, 2);
  rows[3] = rows[0];
  expect_power_equation(gramian_of(rows), GetParam());
}

TEST_P(PowerEquationWith, IsSatisfiedByRowsOfVeryDifferentLength) {
  Rows rows = random_rows(5, 10, 3);
  double factor = 1e-4;
  for (auto& row : rows) {
    for (double& value : row) {
      value *= factor;
    }
    factor *= 100;
  }
  expect_power_equation(gramian_of(rows), GetParam());
}

TEST_P(PowerEquationWith, ScalesWithAPowerOfTheGramian) {
  const double alpha = GetParam();
  const Rows rows = random_rows(5, 10, 4);
  const auto weights = solve_power_equation(gramian_of(rows), alpha);
  for (const double scale : {1e-24, 1e24}) {
    auto scaled = solve_power_equation(gramian_of(rows, scale), alpha);
    for (double& weight : scaled) {
      weight *= std::pow(scale, alpha / (1 + alpha));
    }
    EXPECT_LT(largest_difference(scaled, weights), 1e-12);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, PowerEquationWith, ::testing::Values(0.5, 1.0, 2.0, 5.0));

TEST(PowerEquation, WantsAPositiveAlpha) {
  EXPECT_TRUE(testing::says(
      testing::error_of([] { solve_power_equation(Matrix(1), 0); }),
      {"solve_power_equation", "positive alpha", "0"}));
}

} // namespace
} // namespace polytask::math
