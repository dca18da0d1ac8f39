// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/gramian/cagrad.h>

#include "tests/support/gramians.h"

namespace polytask::balancing {
namespace {

TEST(CAGrad, StaysWithinItsDistanceOfTheMean) {
  const auto gramian = testing::gramian_of(testing::random_rows(5, 7, 3));
  const math::Vector mean(5, 0.2);
  const auto length = [&](const math::Vector& weights) {
    return std::sqrt(
        testing::inner(weights, testing::product(gramian, weights)));
  };
  auto weights = CAGrad(CAGradOptions().c(0.4)).solve(gramian);
  for (double& weight : weights) {
    weight -= 0.2;
  }
  EXPECT_NEAR(length(weights), 0.4 * length(mean), 1e-12);
}

TEST(CAGrad, IsTheMeanWhereNothingCanBeGained) {
  const math::Vector mean(3, 1 / 3.0);
  // Their hull holds zero.
  const auto stationary = testing::gramian_of({{1, 0}, {-2, 0}, {0, 3}});
  EXPECT_EQ(CAGrad().solve(stationary), mean);
  const auto with_zero = testing::gramian_of({{1, 0}, {0, 0}, {0, 3}});
  EXPECT_EQ(CAGrad().solve(with_zero), mean);
  EXPECT_EQ(CAGrad().solve(math::Matrix(3)), mean);
}

TEST(CAGrad, StopsAtSmallGradientsOnlyIfAsked) {
  const auto gramian =
      testing::gramian_of(testing::random_rows(3, 5, 4), 1e-12);
  CAGrad limited(CAGradOptions().norm_eps(1e-4));
  EXPECT_EQ(limited.solve(gramian), math::Vector(3, 0.0));
  EXPECT_GT(CAGrad().solve(gramian)[0], 0.3);
}

TEST(CAGrad, OfOneTaskIsOnePlusC) {
  const auto gramian = testing::gramian_of({{3, 4}});
  using Rescale = CAGradOptions::Rescale;
  const std::pair<Rescale, double> kExpected[] = {
      {Rescale::kNone, 1.5},
      {Rescale::kSquare, 1.5 / 1.25},
      {Rescale::kLinear, 1.0}};
  for (const auto& [rescale, expected] : kExpected) {
    CAGrad method(CAGradOptions().rescale(rescale));
    EXPECT_DOUBLE_EQ(method.solve(gramian)[0], expected);
  }
}

TEST(CAGrad, OfADescentIsNearTheSolution) {
  const auto gramian = testing::gramian_of(testing::random_rows(4, 6, 5));
  const auto found = CAGrad(CAGradOptions().iterations(2000)).solve(gramian);
  EXPECT_LT(testing::largest_difference(found, CAGrad().solve(gramian)), 5e-3);
}

} // namespace
} // namespace polytask::balancing
