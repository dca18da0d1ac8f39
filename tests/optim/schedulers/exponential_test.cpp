// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/optim/schedulers/exponential.h>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::optim {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;

TEST(ExponentialScheduler, MultipliesTheRateAtEachStep) {
  const ExponentialScheduler scheduler(0.5);
  EXPECT_EQ(scheduler.rate(0, 8), 8);
  EXPECT_EQ(scheduler.rate(3, 8), 1);
}

TEST(ExponentialScheduler, RefusesAGammaOutOfRange) {
  EXPECT_TRUE(says(
      error_of([] { ExponentialScheduler{-0.5}; }),
      {"ExponentialScheduler: expected a gamma", "but got -0.5"}));
}

} // namespace
} // namespace polytask::optim
