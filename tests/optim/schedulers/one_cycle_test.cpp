// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/optim/schedulers/one_cycle.h>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::optim {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;

TEST(OneCycleScheduler, HasOnePeakForAllGroupsOnDemand) {
  const OneCycleScheduler scheduler(
      OneCycleSchedulerOptions(11).pct_start(0.0).max_lr(2.0));
  EXPECT_NEAR(scheduler.rate(0, 8), 2.0, 0.05);
  EXPECT_EQ(scheduler.rate(5, 8), scheduler.rate(5, 0.1));
}

TEST(OneCycleScheduler, KeepsTheLastRateAfterTheCycle) {
  const OneCycleScheduler scheduler(
      OneCycleSchedulerOptions(10).div_factor(10).final_div_factor(10));
  EXPECT_NEAR(scheduler.rate(9, 8), 0.08, 1e-15);
  EXPECT_EQ(scheduler.rate(50, 8), scheduler.rate(9, 8));
}

// PyTorch divides by zero here.
TEST(OneCycleScheduler, CountsAPhaseWithoutLengthAsOver) {
  const OneCycleScheduler scheduler(
      OneCycleSchedulerOptions(10).pct_start(0.1));
  EXPECT_EQ(scheduler.rate(0, 8), 8);
}

TEST(OneCycleScheduler, LeavesMomentumAloneByDefault) {
  EXPECT_FALSE(OneCycleScheduler(OneCycleSchedulerOptions(10)).momentum(3));
}

TEST(OneCycleScheduler, RefusesOptionsOutOfRange) {
  const auto error = [](const OneCycleSchedulerOptions& options) {
    return error_of([&] { OneCycleScheduler{options}; });
  };
  const OneCycleSchedulerOptions options(10);
  EXPECT_TRUE(says(
      error(0),
      {"OneCycleScheduler: expected total_steps of at least 1, but got 0"}));
  EXPECT_TRUE(says(
      error(OneCycleSchedulerOptions(options).pct_start(1.5)),
      {"expected a pct_start in [0, 1], but got 1.5"}));
  EXPECT_TRUE(says(
      error(
          OneCycleSchedulerOptions(options).three_phase(true).pct_start(0.75)),
      {"expected a pct_start in [0, 0.5], but got 0.75"}));
  EXPECT_TRUE(says(
      error(OneCycleSchedulerOptions(options).div_factor(0)),
      {"expected a positive div_factor, but got 0"}));
  EXPECT_TRUE(says(
      error(OneCycleSchedulerOptions(options).max_momentum(1)),
      {"expected a max_momentum in [0, 1), but got 1"}));
  EXPECT_TRUE(says(
      error(OneCycleSchedulerOptions(options).max_lr(-2)),
      {"expected a max_lr", "but got -2"}));
}

} // namespace
} // namespace polytask::optim
