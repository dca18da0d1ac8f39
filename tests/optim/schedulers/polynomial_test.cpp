// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/optim/schedulers/polynomial.h>

#include <cmath>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::optim {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;

TEST(PolynomialScheduler, StaysAtZeroAfterTheLastStep) {
  const PolynomialScheduler scheduler(PolynomialSchedulerOptions(4));
  EXPECT_EQ(scheduler.rate(2, 8), 4);
  EXPECT_EQ(scheduler.rate(4, 8), 0);
  EXPECT_EQ(scheduler.rate(9, 8), 0);
}

TEST(PolynomialScheduler, RefusesOptionsOutOfRange) {
  EXPECT_TRUE(says(
      error_of([] { PolynomialScheduler{PolynomialSchedulerOptions(0)}; }),
      {"PolynomialScheduler: expected total_steps of at least 1, but got 0"}));
  EXPECT_TRUE(says(
      error_of([] {
        PolynomialScheduler{PolynomialSchedulerOptions(1).power(INFINITY)};
      }),
      {"PolynomialScheduler: expected a power", "but got inf"}));
}

} // namespace
} // namespace polytask::optim
