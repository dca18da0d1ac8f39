// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/math/halfspace_projection.h>

#include "tests/support/gramians.h"

namespace polytask::math {
namespace {

using testing::gramian_of;
using testing::largest_difference;
using testing::product;
using testing::random_rows;
using testing::Rows;

// Constraints hold, and hold as equalities where their multiplier is positive.
void expect_halfspace_projection(const Matrix& gramian, const Vector& bounds) {
  const auto weights = project_onto_halfspaces(gramian, bounds);
  ASSERT_TRUE(weights);
  EXPECT_EQ(weights->at(0), 1);
  const Vector products = product(gramian, *weights);
  for (size_t j = 1; j < bounds.size(); ++j) {
    EXPECT_GE((*weights)[j], 0);
    EXPECT_GE(products[j], bounds[j] - 1e-11);
    if ((*weights)[j] > 0) {
      EXPECT_NEAR(products[j], bounds[j], 1e-11);
    }
  }
}

TEST(HalfspaceProjection, LeavesARowThatSatisfiesThemAlone) {
  EXPECT_EQ(
      project_onto_halfspaces(gramian_of({{1, 0}, {1, 1}}), Vector{0, 0.5}),
      (Vector{1, 0}));
}

TEST(HalfspaceProjection, MovesToTheBoundary) {
  // {1, 0} to {x : -x_0 + x_1 >= 1}: {0, 1}.
  const auto weights =
      project_onto_halfspaces(gramian_of({{1, 0}, {-1, 1}}), Vector{0, 1});
  EXPECT_LT(largest_difference(*weights, {1, 1}), 1e-15);
}

TEST(HalfspaceProjection, OfOneRowIsThatRow) {
  EXPECT_EQ(
      project_onto_halfspaces(gramian_of({{3, 4}}), Vector{9}), Vector{1.0});
}

TEST(HalfspaceProjection, DoesNotExistForOppositeHalfspaces) {
  EXPECT_FALSE(project_onto_halfspaces(
      gramian_of({{1, 0}, {0, 1}, {0, -2}}), Vector{0, 1, 1}));
}

TEST(HalfspaceProjection, ReadsTheBoundOfAZeroRow) {
  const Matrix gramian = gramian_of({{1, 0}, {0, 0}});
  EXPECT_EQ(project_onto_halfspaces(gramian, Vector{0, 0}), (Vector{1, 0}));
  EXPECT_FALSE(project_onto_halfspaces(gramian, Vector{0, 1}));
}

TEST(HalfspaceProjection, OfAZeroRowIsTheNearestPoint) {
  const auto weights =
      project_onto_halfspaces(gramian_of({{0, 0}, {2, 0}}), Vector{0, 2});
  EXPECT_LT(largest_difference(*weights, {1, 0.5}), 1e-15);
}

TEST(HalfspaceProjection, KeepsTheTighterOfTwoEqualNormals) {
  const auto weights = project_onto_halfspaces(
      gramian_of({{0, 1}, {1, 0}, {1, 0}}), Vector{0, 1, 2});
  EXPECT_LT(largest_difference(*weights, {1, 0, 2}), 1e-14);
}

TEST(HalfspaceProjection, DoesNotMindScale) {
  const Rows rows = random_rows(6, 8, 2);
  const Vector bounds = {0, 0.1, 0.2, 0.3, 0.4, 0.5};
  const auto weights = project_onto_halfspaces(gramian_of(rows), bounds);
  for (const double scale : {1e-24, 1e24}) {
    Vector scaled = bounds;
    for (double& bound : scaled) {
      bound *= scale;
    }
    EXPECT_LT(
        largest_difference(
            *project_onto_halfspaces(gramian_of(rows, scale), scaled),
            *weights),
        1e-13);
  }
}

class HalfspaceProjectionOfSize : public ::testing::TestWithParam<size_t> {};

TEST_P(HalfspaceProjectionOfSize, HasComplementarySlack) {
  const size_t size = GetParam();
  expect_halfspace_projection(
      gramian_of(random_rows(size, 2 * size, 3)), Vector(size, 0.5));
}

INSTANTIATE_TEST_SUITE_P(
    All, HalfspaceProjectionOfSize, ::testing::Values(1, 2, 5, 17, 64));

} // namespace
} // namespace polytask::math
