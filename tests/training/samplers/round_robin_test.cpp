// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/training/samplers/simple.h>

#include "tests/training/samplers/draws.h"

namespace polytask {
namespace {

TEST(RoundRobinSampler, DrawsOneTaskAfterTheOther) {
  RoundRobinSampler sampler;
  sampler.start({"a", "b", "c"}, 7);
  EXPECT_EQ(
      testing::draw_tasks(sampler, 7),
      (std::vector<int64_t>{0, 1, 2, 0, 1, 2, 0}));
}

} // namespace
} // namespace polytask
