// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/math/dual_cone.h>
#include <polytask/math/normalized_gramian.h>

#include <numeric>

#include "tests/support/gramians.h"

namespace polytask::math {
namespace {

using testing::gramian_of;
using testing::largest_difference;
using testing::product;
using testing::random_rows;
using testing::Rows;

// With unit rows: v >= u, C v >= 0, and one of them an equality.
void expect_projection(
    const Matrix& gramian, const Vector& u, const Vector& v) {
  const auto rows = normalize_gramian(gramian);
  Vector lengths = v;
  double total = 0;
  for (size_t i = 0; i < v.size(); ++i) {
    lengths[i] *= rows.norms[i];
    total += std::abs(lengths[i]);
  }
  const Vector products = product(rows.cosines, lengths);
  for (size_t i = 0; i < v.size(); ++i) {
    EXPECT_GE(v[i], u[i]);
    EXPECT_GE(products[i], -1e-14 * total);
    if (v[i] > u[i]) {
      EXPECT_LE(products[i], 1e-14 * total);
    }
  }
}

TEST(DualCone, LeavesAgreeingRowsAlone) {
  EXPECT_EQ(
      dual_cone_projection(gramian_of({{1, 0}, {1, 1}}), Vector{0.5, 0.25}),
      (Vector{0.5, 0.25}));
}

TEST(DualCone, AddsWhatMakesARowPerpendicular) {
  // {1, 0} without its part along {-1, 1}.
  const Vector v =
      dual_cone_projection(gramian_of({{1, 0}, {-1, 1}}), Vector{1, 0});
  EXPECT_LT(largest_difference(v, {1, 0.5}), 1e-15);
}

TEST(DualCone, ProtectsShortRows) {
  const Vector v =
      dual_cone_projection(gramian_of({{1e4, 0}, {-1e-4, 1e-4}}), Vector{1, 0});
  EXPECT_NEAR(v[1] * 1e-8, 0.5, 1e-14);
}

TEST(DualCone, OfOneRowIsThatRow) {
  EXPECT_EQ(dual_cone_projection(gramian_of({{3, 4}}), Vector{2}), Vector{2.0});
}

TEST(DualCone, LeavesZeroRowsAlone) {
  const Vector v = dual_cone_projection(
      gramian_of({{1, 0}, {0, 0}, {-1, 1}}), Vector{1, 1, 0});
  EXPECT_LT(largest_difference(v, {1, 1, 0.5}), 1e-15);
  EXPECT_EQ(dual_cone_projection(Matrix(2), Vector{1, 2}), (Vector{1, 2}));
}

TEST(DualCone, OfOppositeRowsIsZero) {
  const Matrix gramian = gramian_of({{2, 4}, {-1, -2}});
  const Vector v = dual_cone_projection(gramian, Vector{1, 0});
  EXPECT_LT(largest_difference(v, {1, 2}), 1e-14);
}

TEST(DualCone, DoesNotMindDuplicates) {
  Rows rows = random_rows(6, 4, 1);
  rows[4] = rows[1];
  const Vector u(6, 1.0 / 6);
  expect_projection(
      gramian_of(rows), u, dual_cone_projection(gramian_of(rows), u));
}

TEST(DualCone, DoesNotMindScale) {
  const Rows rows = random_rows(6, 4, 2);
  const Vector u(6, 1.0 / 6);
  const Matrix gramian = gramian_of(rows);
  const Vector v = dual_cone_projection_of_each(gramian, u);
  for (const double scale : {1e-24, 1e24}) {
    // Weights of dependent rows are not unique, their sum is.
    const Vector scaled =
        dual_cone_projection_of_each(gramian_of(rows, scale), u);
    EXPECT_LT(largest_difference(scaled, v), 1e-3);
    EXPECT_LT(
        largest_difference(product(gramian, scaled), product(gramian, v)),
        1e-12);
  }
}

class DualConeOfSize : public ::testing::TestWithParam<size_t> {};

TEST_P(DualConeOfSize, HasComplementarySlack) {
  const size_t size = GetParam();
  const Vector u(size, 1.0);
  for (const size_t length : {size_t{3}, 2 * size}) {
    const Matrix gramian = gramian_of(random_rows(size, length, 3));
    expect_projection(gramian, u, dual_cone_projection(gramian, u));
  }
}

TEST_P(DualConeOfSize, OfEachIsTheSumOfTheProjections) {
  const size_t size = GetParam();
  const Matrix gramian = gramian_of(random_rows(size, 2 * size, 4));
  Vector u(size);
  std::iota(u.begin(), u.end(), 0.0);
  Vector sum(size, 0.0);
  for (size_t i = 0; i < size; ++i) {
    Vector one(size, 0.0);
    one[i] = u[i];
    const Vector v = dual_cone_projection(gramian, one);
    for (size_t j = 0; j < size; ++j) {
      sum[j] += v[j];
    }
  }
  const Vector each = dual_cone_projection_of_each(gramian, u);
  EXPECT_LT(largest_difference(each, sum), 1e-10);
}

INSTANTIATE_TEST_SUITE_P(
    All, DualConeOfSize, ::testing::Values(1, 2, 5, 17, 40));

TEST(DualConeRegularization, DividesByTheTraceAndAddsADiagonal) {
  const Matrix gramian =
      regularize_gramian(gramian_of({{2, 0}, {1, 1}}), {.reg_eps = 0.5});
  EXPECT_DOUBLE_EQ(gramian(0, 0), 4.0 / 6 + 0.5);
  EXPECT_DOUBLE_EQ(gramian(0, 1), 2.0 / 6);
}

TEST(DualConeRegularization, DropsSmallGramians) {
  const Matrix gramian = regularize_gramian(gramian_of({{1e-3}, {-1e-3}}), {});
  EXPECT_EQ(gramian(0, 0), 1e-4);
  EXPECT_EQ(gramian(0, 1), 0);
}

} // namespace
} // namespace polytask::math
