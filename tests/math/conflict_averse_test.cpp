// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/math/conflict_averse.h>

#include <cmath>
#include <numeric>

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

double conflict_averse_objective(
    const Matrix& gramian, double c, const Vector& weights) {
  const Vector uniform(weights.size(), 1 / static_cast<double>(weights.size()));
  const Vector mean = product(gramian, uniform);
  const double square = inner(weights, product(gramian, weights));
  return inner(weights, mean) +
      c * std::sqrt(inner(uniform, mean) * std::max(square, 0.0));
}

// The objective is convex: with no descent towards any row, it is least.
void expect_conflict_averse_point(const Matrix& gramian, double c) {
  const Vector weights = conflict_averse_point(gramian, c);
  EXPECT_NEAR(std::accumulate(weights.begin(), weights.end(), 0.0), 1, 1e-14);
  const Vector uniform(weights.size(), 1 / static_cast<double>(weights.size()));
  const Vector mean = product(gramian, uniform);
  const Vector products = product(gramian, weights);
  const double length = std::sqrt(inner(weights, products));
  const double factor = c * std::sqrt(inner(uniform, mean)) / length;
  Vector gradient = mean;
  for (size_t i = 0; i < weights.size(); ++i) {
    gradient[i] += factor * products[i];
  }
  const double least = inner(weights, gradient);
  for (size_t i = 0; i < weights.size(); ++i) {
    EXPECT_GE(weights[i], 0);
    EXPECT_GE(gradient[i], least - 1e-12 * (1 + std::abs(gradient[i])));
  }
}

TEST(ConflictAverse, OfConflictingRowsIsBetweenThem) {
  const Vector weights =
      conflict_averse_point(gramian_of({{2, 0.5}, {-1, 1.5}}), 0.5);
  EXPECT_LT(
      largest_difference(weights, {0.346790630691572, 0.653209369308428}),
      1e-13);
}

TEST(ConflictAverse, OfAlignedRowsIsTheShortest) {
  EXPECT_EQ(
      conflict_averse_point(gramian_of({{2, 0}, {1, 0.1}}), 0.5),
      (Vector{0, 1}));
}

TEST(ConflictAverse, OfOneRowIsThatRow) {
  EXPECT_EQ(conflict_averse_point(gramian_of({{3, 4}}), 0.5), Vector{1.0});
}

TEST(ConflictAverse, WithoutAversionIsTheRowLeastAlongTheMean) {
  EXPECT_EQ(
      conflict_averse_point(gramian_of({{2, 0.5}, {-1, 1.5}}), 0),
      (Vector{0, 1}));
}

TEST(ConflictAverse, OfRowsWithoutAMeanIsUniform) {
  EXPECT_EQ(
      conflict_averse_point(gramian_of({{1, 2}, {-1, -2}}), 0.5),
      (Vector{0.5, 0.5}));
  EXPECT_EQ(conflict_averse_point(Matrix(2), 0.5), (Vector{0.5, 0.5}));
}

TEST(ConflictAverse, OfAZeroRowAmongAgreeingOnesIsThatRow) {
  EXPECT_EQ(
      conflict_averse_point(gramian_of({{1, 2}, {0, 0}, {2, 1}}), 0.5),
      (Vector{0, 1, 0}));
}

TEST(ConflictAverse, OfCancellingRowsIsZeroWhereAversionIsStrong) {
  const Matrix gramian = gramian_of({{1, 0}, {-1, 2}, {-1, -2}});
  const Vector weights = conflict_averse_point(gramian, 2);
  EXPECT_LT(inner(weights, product(gramian, weights)), 1e-11);
}

TEST(ConflictAverse, OfCancellingRowsStaysOppositeTheMeanOtherwise) {
  const Matrix gramian = gramian_of({{1, 0}, {-1, 2}, {-1, -2}});
  expect_conflict_averse_point(gramian, 0.5);
  EXPECT_LT(
      conflict_averse_objective(
          gramian, 0.5, conflict_averse_point(gramian, 0.5)),
      0);
}

TEST(ConflictAverse, DoesNotMindDuplicates) {
  Rows rows = random_rows(6, 8, 1);
  rows[4] = rows[1];
  expect_conflict_averse_point(gramian_of(rows), 0.5);
}

TEST(ConflictAverse, DoesNotMindScale) {
  const Rows rows = random_rows(6, 8, 2);
  const Vector weights = conflict_averse_point(gramian_of(rows), 0.5);
  for (const double scale : {1e-24, 1e24}) {
    EXPECT_LT(
        largest_difference(
            conflict_averse_point(gramian_of(rows, scale), 0.5), weights),
        1e-13);
  }
}

// Three of the long rows depend on each other but for their lengths.
TEST(ConflictAverse, OfManyDependentRowsOfVeryDifferentLengthIsStillExact) {
  Rows rows = random_rows(64, 2, 3);
  double factor = 1e-4;
  for (auto& row : rows) {
    row[0] *= factor;
    row[1] *= factor;
    factor *= std::pow(10, 8.0 / 63);
  }
  const Matrix gramian = gramian_of(rows);
  const Vector weights = conflict_averse_point(gramian, 0.9);
  const double objective = conflict_averse_objective(gramian, 0.9, weights);
  for (size_t i = 0; i < weights.size(); ++i) {
    Vector other = weights;
    for (double& weight : other) {
      weight *= 0.999;
    }
    other[i] += 0.001;
    EXPECT_GE(
        conflict_averse_objective(gramian, 0.9, other),
        objective - 1e-10 * std::abs(objective));
  }
}

class ConflictAverseOfSize
    : public ::testing::TestWithParam<std::tuple<size_t, double>> {};

TEST_P(ConflictAverseOfSize, HasNoDescentLeft) {
  const auto [size, c] = GetParam();
  expect_conflict_averse_point(gramian_of(random_rows(size, 2 * size, 4)), c);
}

INSTANTIATE_TEST_SUITE_P(
    All,
    ConflictAverseOfSize,
    ::testing::Combine(
        ::testing::Values(1, 2, 5, 17, 64),
        ::testing::Values(0.1, 0.5, 0.999, 1.0, 2.0)));

TEST(ConflictAverse, WantsAversionNotBelowZero) {
  EXPECT_TRUE(testing::says(
      testing::error_of([] { conflict_averse_point(Matrix(1), -1); }),
      {"conflict_averse_point", "c >= 0", "-1"}));
}

} // namespace
} // namespace polytask::math
