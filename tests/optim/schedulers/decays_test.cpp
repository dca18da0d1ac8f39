// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/optim/schedulers/decays.h>

#include <cmath>
#include <cstdint>
#include <vector>

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

TEST(PolynomialScheduler, StaysAtZeroAfterTheLastStep) {
  const PolynomialScheduler scheduler(PolynomialSchedulerOptions(4));
  EXPECT_EQ(scheduler.rate(2, 8), 4);
  EXPECT_EQ(scheduler.rate(4, 8), 0);
  EXPECT_EQ(scheduler.rate(9, 8), 0);
}

TEST(LinearScheduler, RefusesOptionsOutOfRange) {
  EXPECT_TRUE(says(
      error_of([] { LinearScheduler{LinearSchedulerOptions(0)}; }),
      {"LinearScheduler: expected total_iters of at least 1, but got 0"}));
  EXPECT_TRUE(says(
      error_of(
          [] { LinearScheduler{LinearSchedulerOptions(1).start_factor(-1)}; }),
      {"LinearScheduler: expected a start_factor", "but got -1"}));
}

TEST(PolynomialScheduler, RefusesOptionsOutOfRange) {
  EXPECT_TRUE(says(
      error_of([] { PolynomialScheduler{PolynomialSchedulerOptions(0)}; }),
      {"PolynomialScheduler: expected total_iters of at least 1, but got 0"}));
  EXPECT_TRUE(says(
      error_of([] {
        PolynomialScheduler{PolynomialSchedulerOptions(1).power(INFINITY)};
      }),
      {"PolynomialScheduler: expected a power", "but got inf"}));
}

} // namespace
} // namespace polytask::optim
