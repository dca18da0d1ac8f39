// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/optim/schedulers/multi_step.h>

#include <cstdint>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::optim {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;

TEST(MultiStepScheduler, KeepsTheRateWithoutMilestones) {
  const MultiStepScheduler scheduler(
      MultiStepSchedulerOptions(std::vector<int64_t>{}));
  EXPECT_EQ(scheduler.rate(1000, 0.5), 0.5);
}

TEST(MultiStepScheduler, ChangesTheRateAtTheMilestoneItself) {
  const MultiStepScheduler scheduler(MultiStepSchedulerOptions({4}).gamma(0.5));
  EXPECT_EQ(scheduler.rate(3, 8), 8);
  EXPECT_EQ(scheduler.rate(4, 8), 4);
}

TEST(MultiStepScheduler, RefusesOptionsOutOfRange) {
  EXPECT_TRUE(says(
      error_of([] { MultiStepScheduler{MultiStepSchedulerOptions({3, 0})}; }),
      {"MultiStepScheduler: expected milestones of at least 1, but got 0"}));
  EXPECT_TRUE(says(
      error_of(
          [] { MultiStepScheduler{MultiStepSchedulerOptions({3}).gamma(-1)}; }),
      {"MultiStepScheduler: expected a gamma", "but got -1"}));
}

} // namespace
} // namespace polytask::optim
