// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/gramian/cagrad.h>

#include <cmath>

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

testing::Rows::value_type cagrad_update(
    const testing::Rows& rows, const CAGradOptions& options) {
  const auto weights = CAGrad(options).solve(testing::gramian_of(rows));
  std::vector<double> update(rows[0].size(), 0.0);
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t k = 0; k < update.size(); ++k) {
      update[k] += weights[i] * rows[i][k];
    }
  }
  return update;
}

// Of all updates near the mean's that are best for the worst task, as the worst
// gains nothing from any, the nearest to the mean.
TEST(CAGrad, ProjectsTheMeanWhereNoUpdateHelpsAllTasks) {
  const testing::Rows rows = {{1, 0}, {-1, 0}, {0.9, 2}};
  const auto options = CAGradOptions().c(0.5);
  EXPECT_LT(
      testing::largest_difference(cagrad_update(rows, options), {0, 2 / 3.0}),
      1e-5);
  const testing::Rows others = {{1, 0}, {-2, 0}, {0, 3}};
  EXPECT_LT(
      testing::largest_difference(cagrad_update(others, options), {0, 1}),
      1e-5);
}

TEST(CAGrad, IsTheMeanThereByOption) {
  using Stationary = CAGradOptions::Stationary;
  const auto options = CAGradOptions().c(0.5).stationary(Stationary::kMean);
  EXPECT_LT(
      testing::largest_difference(
          cagrad_update({{1, 0}, {-1, 0}, {0.9, 2}}, options), {0.3, 2 / 3.0}),
      1e-15);
}

TEST(CAGrad, IsTheMeanWhereARowIsZeroAndNoneIsHarmed) {
  EXPECT_LT(
      testing::largest_difference(
          cagrad_update({{1, 0}, {0, 0}, {0, 3}}, CAGradOptions()),
          {1 / 3.0, 1}),
      1e-6);
  const math::Vector mean(3, 1 / 3.0);
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
