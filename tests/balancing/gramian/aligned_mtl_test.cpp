// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/gramian/aligned_mtl.h>

#include "tests/support/gramians.h"

namespace polytask::balancing {
namespace {

TEST(AlignedMTL, GivesOrthogonalRowsTheLengthOfTheScale) {
  using Scale = AlignedMTLOptions::Scale;
  const auto gramian = testing::gramian_of({{3, 0, 0}, {0, 1, 0}, {0, 0, 2}});
  const std::pair<Scale, double> kExpected[] = {
      {Scale::kSmallest, 1},
      {Scale::kMedian, 2},
      {Scale::kRootMeanSquare, std::sqrt(14 / 3.0)}};
  for (const auto& [scale, length] : kExpected) {
    AlignedMTL method(AlignedMTLOptions().scale(scale).sum(true));
    EXPECT_LT(
        testing::largest_difference(
            method.solve(gramian), {length / 3, length, length / 2}),
        1e-12);
  }
}

TEST(AlignedMTL, GivesZeroRowsNoWeightUnlessAllAreZero) {
  const auto some = testing::gramian_of({{3, 0}, {0, 0}});
  EXPECT_LT(
      testing::largest_difference(AlignedMTL().solve(some), {0.5, 0}), 1e-12);
  AlignedMTL preferring(AlignedMTLOptions().preference({1, 3}));
  EXPECT_EQ(preferring.solve(math::Matrix(2)), (math::Vector{1, 3}));
}

TEST(AlignedMTL, ReadsThePreferencesOfTheTasksThatTakePart) {
  AlignedMTL method(AlignedMTLOptions().preference({1, 3, 5}));
  method.prepare(3);
  const auto gramian = testing::gramian_of({{2, 0}, {0, 2}});
  math::Vector weights;
  method.with_tasks({0, 2}, [&] { weights = method.solve(gramian); });
  EXPECT_LT(testing::largest_difference(weights, {1, 5}), 1e-12);
}

} // namespace
} // namespace polytask::balancing
