// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/optim/schedulers/chained.h>
#include <polytask/optim/schedulers/decays.h>
#include <polytask/optim/schedulers/one_cycle.h>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::optim {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;

TEST(ChainedScheduler, MultipliesFactors) {
  const ExponentialScheduler half(0.5);
  const ExponentialScheduler quarter(0.25);
  const ChainedScheduler scheduler({&half, &quarter});
  EXPECT_EQ(scheduler.rate(2, 64), 1);
}

TEST(ChainedScheduler, NamesItsParts) {
  const ExponentialScheduler half(0.5);
  EXPECT_EQ(
      ChainedScheduler({&half, &half}).name(),
      "ChainedScheduler(ExponentialScheduler, ExponentialScheduler)");
}

TEST(ChainedScheduler, SetsTheMomentumOfItsParts) {
  const ExponentialScheduler half(0.5);
  const OneCycleScheduler cycle(
      OneCycleSchedulerOptions(10).cycle_momentum(true));
  EXPECT_EQ(ChainedScheduler({&cycle, &half}).momentum(0), 0.95);
  EXPECT_FALSE(ChainedScheduler({&half}).momentum(0));
}

TEST(ChainedScheduler, RefusesToHaveNoParts) {
  EXPECT_TRUE(says(
      error_of([] { ChainedScheduler({}); }),
      {"ChainedScheduler: expected at least one scheduler, but got none"}));
  EXPECT_TRUE(says(
      error_of([] { ChainedScheduler({nullptr}); }),
      {"ChainedScheduler: expected schedulers, but got a null pointer"}));
}

} // namespace
} // namespace polytask::optim
