// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/optim/schedulers/cosine.h>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::optim {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;

TEST(CosineScheduler, ReachesTheInitialRateAtTheEndOfTheWarmUp) {
  const CosineScheduler scheduler(
      CosineSchedulerOptions(10).warmup_steps(4).start_factor(0));
  EXPECT_EQ(scheduler.rate(0, 8), 0);
  EXPECT_EQ(scheduler.rate(1, 8), 2);
  EXPECT_EQ(scheduler.rate(4, 8), 8);
}

TEST(CosineScheduler, StaysAtTheFinalRate) {
  const CosineScheduler scheduler(CosineSchedulerOptions(10).eta_min(0.25));
  EXPECT_EQ(scheduler.rate(10, 8), 0.25);
  EXPECT_EQ(scheduler.rate(15, 8), 0.25);
}

TEST(CosineScheduler, RefusesOptionsOutOfRange) {
  EXPECT_TRUE(says(
      error_of(
          [] { CosineScheduler{CosineSchedulerOptions(5).warmup_steps(5)}; }),
      {"CosineScheduler: expected total_steps above the 5", "but got 5"}));
  EXPECT_TRUE(says(
      error_of(
          [] { CosineScheduler{CosineSchedulerOptions(5).warmup_steps(-1)}; }),
      {"CosineScheduler: expected warmup_steps of at least 0, but got -1"}));
  EXPECT_TRUE(says(
      error_of([] { CosineScheduler{CosineSchedulerOptions(5).eta_min(-1)}; }),
      {"CosineScheduler: expected an eta_min", "but got -1"}));
}

} // namespace
} // namespace polytask::optim
