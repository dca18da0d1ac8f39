// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/training/samplers/by_loss.h>

#include <cmath>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/says.h"
#include "tests/training/samplers/draws.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

ByLossSampler started_by_loss(double smoothing) {
  ByLossSampler sampler(smoothing);
  sampler.start({"a", "b", "c"}, 5);
  return sampler;
}

TEST(ByLossSampler, WantsLosses) {
  EXPECT_TRUE(ByLossSampler().wants_losses());
}

TEST(ByLossSampler, DrawsUnseenTasksFirst) {
  auto sampler = started_by_loss(0.9);
  EXPECT_EQ(testing::draw_tasks(sampler, 3), (std::vector<int64_t>{0, 1, 2}));
}

TEST(ByLossSampler, DrawsATaskAgainUntilItsLossIsSeen) {
  auto sampler = started_by_loss(0.9);
  EXPECT_EQ(sampler.next(), 0);
  EXPECT_EQ(sampler.next(), 0);
}

TEST(ByLossSampler, DrawsInProportionToTheLosses) {
  // The losses are 1, 2 and 3.
  auto sampler = started_by_loss(0.9);
  testing::draw_tasks(sampler, 3);
  EXPECT_LT(
      testing::chi_square(testing::count_draws(sampler, 30000), {1, 2, 3}),
      testing::kChiSquareLimit);
}

TEST(ByLossSampler, TurnsToTheTaskWhoseLossGrows) {
  auto sampler = started_by_loss(0);
  sampler.observe(0, 1);
  sampler.observe(1, 1);
  sampler.observe(2, 98);
  int64_t worst = 0;
  for (int i = 0; i < 1000; ++i) {
    worst += sampler.next() == 2;
  }
  // 980 expected; 940 is 9 standard deviations below.
  EXPECT_GT(worst, 940);
}

TEST(ByLossSampler, SmoothsTheLosses) {
  auto sampler = started_by_loss(0.75);
  sampler.observe(0, 4);
  sampler.observe(0, 8);
  EXPECT_EQ(sampler.state().values, (std::vector<double>{5, -1, -1}));
}

TEST(ByLossSampler, DoesNotDrawWhatIsLearned) {
  auto sampler = started_by_loss(0);
  sampler.observe(0, 1);
  sampler.observe(1, 0);
  sampler.observe(2, 1);
  int64_t learned = 0;
  for (int i = 0; i < 1000; ++i) {
    learned += sampler.next() == 1;
  }
  EXPECT_EQ(learned, 0);
}

TEST(ByLossSampler, DrawsUniformlyWhereAllIsLearned) {
  auto sampler = started_by_loss(0);
  std::vector<int64_t> counts(3, 0);
  for (int64_t task = 0; task < 3; ++task) {
    sampler.observe(task, 0);
  }
  for (int i = 0; i < 30000; ++i) {
    ++counts.at(static_cast<size_t>(sampler.next()));
  }
  EXPECT_LT(testing::chi_square(counts, {1, 1, 1}), testing::kChiSquareLimit);
}

TEST(ByLossSampler, ForgetsTheLossesAtAnotherStart) {
  auto sampler = started_by_loss(0.9);
  testing::draw_tasks(sampler, 10);
  sampler.start({"a", "b"}, 5);
  EXPECT_EQ(sampler.state().values, (std::vector<double>{-1, -1}));
}

class ByLossBadLoss : public ::testing::TestWithParam<double> {};

TEST_P(ByLossBadLoss, IsRefused) {
  auto sampler = started_by_loss(0.9);
  EXPECT_TRUE(says(
      error_of([&] { sampler.observe(1, GetParam()); }),
      {"ByLossSampler: task 'b'", "finite loss of at least 0, but got"}));
  EXPECT_EQ(sampler.state().values[1], -1);
}

INSTANTIATE_TEST_SUITE_P(
    Losses, ByLossBadLoss, ::testing::Values(-0.1, NAN, INFINITY));

class ByLossBadSmoothing : public ::testing::TestWithParam<double> {};

TEST_P(ByLossBadSmoothing, IsRefused) {
  EXPECT_TRUE(says(
      error_of([] { (void)ByLossSampler(ByLossBadSmoothing::GetParam()); }),
      {"ByLossSampler: expected a smoothing of at least 0 and below 1"}));
}

INSTANTIATE_TEST_SUITE_P(
    Smoothings, ByLossBadSmoothing, ::testing::Values(-0.1, 1.0, NAN));

} // namespace
} // namespace polytask
