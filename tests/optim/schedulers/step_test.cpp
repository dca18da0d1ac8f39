// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/optim/schedulers/step.h>

#include <cmath>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::optim {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;

TEST(StepScheduler, ChangesTheRateEveryFewSteps) {
  const StepScheduler scheduler(StepSchedulerOptions(3).gamma(0.5));
  EXPECT_EQ(scheduler.rate(2, 8), 8);
  EXPECT_EQ(scheduler.rate(3, 8), 4);
  EXPECT_EQ(scheduler.rate(6, 8), 2);
}

TEST(StepScheduler, RefusesOptionsOutOfRange) {
  EXPECT_TRUE(says(
      error_of([] { StepScheduler{StepSchedulerOptions(0)}; }),
      {"StepScheduler: expected a step_size of at least 1, but got 0"}));
  EXPECT_TRUE(says(
      error_of([] { StepScheduler{StepSchedulerOptions(1).gamma(NAN)}; }),
      {"StepScheduler: expected a gamma that is finite", "but got nan"}));
}

} // namespace
} // namespace polytask::optim
