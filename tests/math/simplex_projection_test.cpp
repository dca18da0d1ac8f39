// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/math/simplex_projection.h>

#include "tests/support/gramians.h"

namespace polytask::math {
namespace {

using testing::largest_difference;

Vector simplex_projection_of(Vector values) {
  project_onto_simplex(values);
  return values;
}

TEST(SimplexProjection, LeavesPointsOfTheSimplexAlone) {
  const Vector point = {0.2, 0.5, 0.3};
  EXPECT_LT(largest_difference(simplex_projection_of(point), point), 1e-15);
}

TEST(SimplexProjection, SubtractsAThresholdAndClips) {
  EXPECT_LT(
      largest_difference(
          simplex_projection_of({1.0, 0.6, -3.0}), {0.7, 0.3, 0}),
      1e-15);
}

TEST(SimplexProjection, OfOneValueIsOne) {
  EXPECT_EQ(simplex_projection_of({-4.0}), Vector{1.0});
}

TEST(SimplexProjection, OfEqualValuesIsUniform) {
  EXPECT_LT(
      largest_difference(
          simplex_projection_of({7, 7, 7, 7}), {0.25, 0.25, 0.25, 0.25}),
      1e-15);
}

} // namespace
} // namespace polytask::math
