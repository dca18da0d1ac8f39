// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/training/samplers/simple.h>

#include "tests/training/samplers/draws.h"

namespace polytask {
namespace {

TEST(ProportionalSampler, DrawsTasksInProportionToSize) {
  ProportionalSampler sampler({{"a", 500}, {"b", 300}, {"c", 200}});
  sampler.start({"a", "b", "c"}, 2);
  EXPECT_LT(
      testing::chi_square(testing::count_draws(sampler, 30000), {5, 3, 2}),
      testing::kChiSquareLimit);
}

TEST(ProportionalSampler, FindsTasksByName) {
  ProportionalSampler sampler({{"c", 2}, {"a", 5}, {"b", 3}});
  sampler.start({"a", "b", "c"}, 2);
  ProportionalSampler ordered({{"a", 5}, {"b", 3}, {"c", 2}});
  ordered.start({"a", "b", "c"}, 2);
  EXPECT_EQ(
      testing::draw_tasks(sampler, 100), testing::draw_tasks(ordered, 100));
}

TEST(ProportionalSampler, TakesFractions) {
  ProportionalSampler sampler({{"a", 0.25}, {"b", 0.5}, {"c", 0.25}});
  sampler.start({"a", "b", "c"}, 3);
  EXPECT_LT(
      testing::chi_square(testing::count_draws(sampler, 30000), {1, 2, 1}),
      testing::kChiSquareLimit);
}

} // namespace
} // namespace polytask
