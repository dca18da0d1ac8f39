// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <polytask/balancing/gramian/mgda.h>

#include "tests/support/errors.h"
#include "tests/support/gramians.h"
#include "tests/support/says.h"

namespace polytask::balancing {
namespace {

using Solver = MGDAOptions::Solver;
using Normalization = MGDAOptions::Normalization;

TEST(MGDA, IsShorterThanFrankWolfeLeavesIt) {
  const auto gramian = testing::gramian_of(testing::random_rows(8, 9, 1));
  const auto square = [&](const math::Vector& weights) {
    return testing::inner(weights, testing::product(gramian, weights));
  };
  const double best = square(MGDA().solve(gramian));
  for (const auto solver : {Solver::kFrankWolfe, Solver::kPairs}) {
    MGDA other(MGDAOptions().solver(solver));
    EXPECT_LT(best, square(other.solve(gramian)));
  }
}

TEST(MGDA, GivesAllWeightToAZeroRow) {
  const auto gramian = testing::gramian_of({{1, 0}, {0, 0}, {0, 2}});
  EXPECT_EQ(MGDA().solve(gramian), (math::Vector{0, 1, 0}));
}

TEST(MGDA, OfPairsGivesTheOtherOfTwoAThousandth) {
  const auto gramian = testing::gramian_of({{1, 0}, {3, 0}});
  EXPECT_EQ(MGDA().solve(gramian), (math::Vector{1, 0}));
  const auto weights =
      MGDA(MGDAOptions().solver(Solver::kPairs)).solve(gramian);
  EXPECT_DOUBLE_EQ(weights[0], 0.999);
}

TEST(MGDA, CombinesDividedRowsIfAsked) {
  const auto gramian = testing::gramian_of({{2, 0}, {0, 3}});
  auto options = MGDAOptions().normalization(Normalization::kLength);
  const auto raw = MGDA(options).solve(gramian);
  EXPECT_LT(testing::largest_difference(raw, {0.5, 0.5}), 1e-12);
  const auto divided = MGDA(options.combine_normalized(true)).solve(gramian);
  EXPECT_LT(testing::largest_difference(divided, {0.25, 1 / 6.0}), 1e-12);
}

TEST(MGDA, ReadsLossesWhereTheyDivide) {
  MGDA method(MGDAOptions().normalization(Normalization::kLoss));
  EXPECT_TRUE(method.wants_losses());
  const auto gramian = testing::gramian_of({{1, 0}, {0, 1}});
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { method.solve(gramian); }), {"mgda", "'losses'"}));
  const Extras extras = {{"losses", at::tensor({1.0, 0.0}, at::kDouble)}};
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { method.solve(gramian, extras); }),
      {"positive losses", "task 1"}));
}

} // namespace
} // namespace polytask::balancing
