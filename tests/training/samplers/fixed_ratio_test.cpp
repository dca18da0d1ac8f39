// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/training/samplers/fixed_ratio.h>

#include <algorithm>
#include <array>

#include "tests/training/samplers/draws.h"

namespace polytask {
namespace {

TEST(FixedRatioSampler, GivesTheSequenceOfItsDocumentation) {
  FixedRatioSampler sampler({{"a", 2}, {"b", 1}});
  sampler.start({"a", "b"}, 0);
  EXPECT_EQ(
      testing::draw_tasks(sampler, 9),
      (std::vector<int64_t>{0, 1, 0, 0, 1, 0, 0, 1, 0}));
}

TEST(FixedRatioSampler, KeepsTheRatiosExactly) {
  FixedRatioSampler sampler({{"a", 5}, {"b", 3}, {"c", 2}});
  sampler.start({"a", "b", "c"}, 0);
  EXPECT_EQ(
      testing::count_draws(sampler, 1000),
      (std::vector<int64_t>{500, 300, 200}));
}

TEST(FixedRatioSampler, IsNeverADrawAwayFromTheRatios) {
  FixedRatioSampler sampler({{"a", 5}, {"b", 1}, {"c", 1}});
  sampler.start({"a", "b", "c"}, 0);
  const std::array<double, 3> share = {5.0 / 7, 1.0 / 7, 1.0 / 7};
  std::array<double, 3> count = {0, 0, 0};
  double farthest = 0;
  for (int draws = 1; draws <= 700; ++draws) {
    ++count.at(static_cast<size_t>(sampler.next()));
    for (size_t task = 0; task < 3; ++task) {
      farthest =
          std::max(farthest, std::abs(count[task] - draws * share[task]));
    }
  }
  EXPECT_LT(farthest, 1);
}

TEST(FixedRatioSampler, DoesNotDependOnTheSeed) {
  FixedRatioSampler sampler({{"a", 2}, {"b", 1}});
  sampler.start({"a", "b"}, 1);
  const auto draws = testing::draw_tasks(sampler, 20);
  sampler.start({"a", "b"}, 2);
  EXPECT_EQ(testing::draw_tasks(sampler, 20), draws);
}

} // namespace
} // namespace polytask
