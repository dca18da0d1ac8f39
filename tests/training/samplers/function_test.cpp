// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/training/samplers/function.h>

#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/says.h"
#include "tests/training/samplers/draws.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;
using FunctionContext = FunctionSampler::Context;

TEST(FunctionSampler, AsksTheFunction) {
  FunctionSampler sampler([](const FunctionContext& context) {
    return context.draws % 3 == 0 ? 1 : 0;
  });
  sampler.start({"a", "b"}, 0);
  EXPECT_EQ(
      testing::draw_tasks(sampler, 7),
      (std::vector<int64_t>{1, 0, 0, 1, 0, 0, 1}));
}

TEST(FunctionSampler, TellsTheFunctionTheTasks) {
  std::vector<std::string> seen;
  FunctionSampler sampler([&](const FunctionContext& context) {
    seen = context.tasks;
    return 0;
  });
  sampler.start({"a", "b"}, 0);
  sampler.next();
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "b"}));
}

class FunctionBadAnswer : public ::testing::TestWithParam<int64_t> {};

TEST_P(FunctionBadAnswer, IsRefused) {
  FunctionSampler sampler([](const FunctionContext&) { return GetParam(); });
  sampler.start({"a", "b"}, 0);
  EXPECT_TRUE(says(
      error_of([&] { sampler.next(); }),
      {"FunctionSampler: expected a task from 0 to 1",
       "the function returned " + std::to_string(GetParam())}));
  EXPECT_EQ(sampler.state().draws, 0);
}

INSTANTIATE_TEST_SUITE_P(Answers, FunctionBadAnswer, ::testing::Values(-1, 2));

TEST(FunctionSampler, RefusesAnEmptyFunction) {
  EXPECT_TRUE(says(
      error_of([] { FunctionSampler{FunctionSampler::Function()}; }),
      {"FunctionSampler: the function is empty"}));
}

} // namespace
} // namespace polytask
