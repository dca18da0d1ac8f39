// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/training/samplers/simple.h>

#include "tests/training/samplers/draws.h"

namespace polytask {
namespace {

TEST(UniformSampler, DrawsEachTaskAsOften) {
  UniformSampler sampler;
  sampler.start({"a", "b", "c"}, 1);
  const auto counts = testing::count_draws(sampler, 30000);
  EXPECT_LT(testing::chi_square(counts, {1, 1, 1}), testing::kChiSquareLimit);
}

TEST(UniformSampler, KeepsItsSequenceFromReleaseToRelease) {
  // floor(3 u) for the first outputs u of MT19937-64, also computed by a second
  // implementation. A change is one that users notice.
  UniformSampler sampler;
  sampler.start({"a", "b", "c"}, 7);
  EXPECT_EQ(
      testing::draw_tasks(sampler, 20),
      (std::vector<int64_t>{2, 2, 0, 2, 0, 0, 2, 2, 0, 2,
                            2, 1, 1, 0, 2, 0, 2, 2, 2, 0}));
}

} // namespace
} // namespace polytask
