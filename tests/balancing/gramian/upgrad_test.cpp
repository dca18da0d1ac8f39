// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/gramian/dualproj.h>
#include <polytask/balancing/gramian/upgrad.h>

#include <algorithm>

#include "tests/support/gramians.h"

namespace polytask::balancing {
namespace {

// The second is short beside the first, which it conflicts with.
math::Matrix rows_of_two_lengths() {
  return testing::gramian_of({{1000, 0}, {-0.5, 0.5}});
}

double least_gain(GramianBalancing&& method) {
  const auto gramian = rows_of_two_lengths();
  return std::ranges::min(testing::product(gramian, method.solve(gramian)));
}

TEST(UPGrad, ProtectsShortRowsUnlessRegularized) {
  EXPECT_GE(least_gain(UPGrad()), 0);
  EXPECT_LT(least_gain(UPGrad(UPGradOptions().reg_eps(1e-4))), -100);
}

TEST(DualProj, ProtectsShortRowsUnlessRegularized) {
  EXPECT_GE(least_gain(DualProj()), -1e-9);
  EXPECT_LT(least_gain(DualProj(DualProjOptions().reg_eps(1e-4))), -100);
}

TEST(UPGrad, KeepsThePreferenceWhereNothingConflicts) {
  const auto gramian = testing::gramian_of({{1, 0}, {0, 0}, {1, 1}});
  const math::Vector preference = {1, 2, 0.5};
  EXPECT_EQ(
      UPGrad(UPGradOptions().preference(preference)).solve(gramian),
      preference);
  EXPECT_EQ(
      DualProj(DualProjOptions().preference(preference)).solve(gramian),
      preference);
}

TEST(UPGrad, ReadsThePreferencesOfTheTasksThatTakePart) {
  UPGrad method(UPGradOptions().preference({1, 3, 5}));
  method.prepare(3);
  math::Vector weights;
  method.with_tasks({1, 2}, [&] {
    weights = method.solve(testing::gramian_of({{1, 0}, {0, 1}}));
  });
  EXPECT_EQ(weights, (math::Vector{3, 5}));
}

} // namespace
} // namespace polytask::balancing
