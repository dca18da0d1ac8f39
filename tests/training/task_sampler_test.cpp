// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/training/samplers/by_loss.h>
#include <polytask/training/samplers/fixed_ratio.h>
#include <polytask/training/samplers/function.h>
#include <polytask/training/samplers/simple.h>
#include <polytask/training/samplers/temperature.h>

#include <cmath>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/says.h"
#include "tests/training/samplers/draws.h"

namespace polytask {
namespace {

using testing::draw_tasks;
using testing::error_of;
using testing::says;

const std::vector<std::string> kThreeTasks = {"a", "b", "c"};

struct SamplerCase {
  std::string name;
  std::shared_ptr<const TaskSampler> sampler;
};

std::ostream& operator<<(std::ostream& stream, const SamplerCase& each) {
  return stream << each.name;
}

std::string sampler_case_name(
    const ::testing::TestParamInfo<SamplerCase>& each) {
  return each.param.name;
}

template <typename Sampler>
SamplerCase sampler_case(std::string name, Sampler sampler) {
  return {std::move(name), std::make_shared<Sampler>(std::move(sampler))};
}

std::vector<SamplerCase> random_samplers() {
  const TaskNumbers sizes = {{"a", 100}, {"b", 10}, {"c", 30}};
  return {
      sampler_case("Uniform", UniformSampler()),
      sampler_case("Proportional", ProportionalSampler(sizes)),
      sampler_case(
          "Temperature",
          TemperatureSampler(
              sizes,
              TemperatureSamplerOptions(1).final_temperature(5).anneal_draws(
                  100))),
      sampler_case("ByLoss", ByLossSampler()),
      sampler_case(
          "Function",
          FunctionSampler([](const FunctionSampler::Context& context) {
            return static_cast<int64_t>(context.generator() % 3);
          }))};
}

std::vector<SamplerCase> all_samplers() {
  auto samplers = random_samplers();
  samplers.push_back(sampler_case("RoundRobin", RoundRobinSampler()));
  samplers.push_back(sampler_case(
      "FixedRatio", FixedRatioSampler({{"a", 5}, {"b", 1}, {"c", 3}})));
  return samplers;
}

class SamplerSuite : public ::testing::TestWithParam<SamplerCase> {
 protected:
  static std::unique_ptr<TaskSampler> started(uint64_t seed) {
    auto sampler = GetParam().sampler->clone();
    sampler->start(kThreeTasks, seed);
    return sampler;
  }
};

using EverySampler = SamplerSuite;

TEST_P(EverySampler, GivesTheSameSequenceForTheSameSeed) {
  EXPECT_EQ(draw_tasks(*started(3), 200), draw_tasks(*started(3), 200));
}

TEST_P(EverySampler, BeginsAgainAtStart) {
  auto sampler = started(3);
  const auto first = draw_tasks(*sampler, 200);
  sampler->start(kThreeTasks, 3);
  EXPECT_EQ(draw_tasks(*sampler, 200), first);
}

TEST_P(EverySampler, ContinuesARestoredSequence) {
  auto sampler = started(3);
  draw_tasks(*sampler, 37); // in the middle of annealing
  const SamplerState state = sampler->state();
  EXPECT_EQ(state.draws, 37);
  const auto rest = draw_tasks(*sampler, 200);

  auto other = started(99);
  draw_tasks(*other, 5);
  other->restore(state);
  EXPECT_EQ(other->state(), state);
  EXPECT_EQ(draw_tasks(*other, 200), rest);
}

TEST_P(EverySampler, TakesBackWhatItDrewSinceAMark) {
  auto sampler = started(3);
  draw_tasks(*sampler, 37);
  const SamplerState state = sampler->state();
  const auto mark = sampler->mark();
  const auto rest = draw_tasks(*sampler, 200);
  sampler->take_back(mark);
  EXPECT_EQ(sampler->state(), state);
  EXPECT_EQ(draw_tasks(*sampler, 200), rest);
}

TEST_P(EverySampler, GoesOnInItsClone) {
  auto sampler = started(3);
  draw_tasks(*sampler, 37);
  const auto clone = sampler->clone();
  EXPECT_EQ(draw_tasks(*clone, 200), draw_tasks(*sampler, 200));
}

TEST_P(EverySampler, DrawsOnlyTasksThatThereAre) {
  for (const int64_t task : draw_tasks(*started(3), 1000)) {
    ASSERT_GE(task, 0);
    ASSERT_LT(task, 3);
  }
}

TEST_P(EverySampler, RefusesToDrawBeforeItsStart) {
  const auto sampler = GetParam().sampler->clone();
  EXPECT_TRUE(says(
      error_of([&] { sampler->next(); }),
      {"TaskSampler: start() must come before next()"}));
}

TEST_P(EverySampler, RefusesToBeRestoredBeforeItsStart) {
  const auto sampler = GetParam().sampler->clone();
  const SamplerState state = started(3)->state();
  EXPECT_TRUE(says(
      error_of([&] { sampler->restore(state); }),
      {"TaskSampler: start() must come before restore()"}));
}

TEST_P(EverySampler, RefusesToStartWithoutATask) {
  const auto sampler = GetParam().sampler->clone();
  EXPECT_TRUE(says(
      error_of([&] { sampler->start({}, 0); }), {"there is no task to draw"}));
}

TEST_P(EverySampler, RefusesAStateWithOtherValues) {
  auto sampler = started(3);
  SamplerState state = sampler->state();
  state.values.push_back(1);
  EXPECT_TRUE(says(
      error_of([&] { sampler->restore(state); }),
      {"expected a state with", "values, but got"}));
}

TEST_P(EverySampler, RefusesAGeneratorThatCannotBeRead) {
  auto sampler = started(3);
  SamplerState state = sampler->state();
  state.generator = "1 2 3";
  EXPECT_TRUE(says(
      error_of([&] { sampler->restore(state); }),
      {"the generator's state cannot be read"}));
}

TEST_P(EverySampler, IsAsItWasAfterARefusedState) {
  auto sampler = started(3);
  draw_tasks(*sampler, 10);
  const SamplerState before = sampler->state();
  SamplerState bad = before;
  bad.draws = 5;
  bad.generator = "no numbers";
  EXPECT_NE(error_of([&] { sampler->restore(bad); }), "");
  EXPECT_EQ(sampler->state(), before);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds,
    EverySampler,
    ::testing::ValuesIn(all_samplers()),
    sampler_case_name);

using EveryRandomSampler = SamplerSuite;

TEST_P(EveryRandomSampler, GivesAnotherSequenceForAnotherSeed) {
  EXPECT_NE(draw_tasks(*started(3), 200), draw_tasks(*started(4), 200));
}

INSTANTIATE_TEST_SUITE_P(
    Kinds,
    EveryRandomSampler,
    ::testing::ValuesIn(random_samplers()),
    sampler_case_name);

TEST(SamplerState, OfAnotherKindIsRefused) {
  UniformSampler uniform;
  uniform.start(kThreeTasks, 0);
  ByLossSampler by_loss;
  by_loss.start(kThreeTasks, 0);
  EXPECT_TRUE(says(
      error_of([&] { by_loss.restore(uniform.state()); }),
      {"expected the state of a polytask::ByLossSampler over 'a', 'b', 'c'",
       "but got that of a polytask::UniformSampler"}));
}

TEST(SamplerState, OfOtherTasksIsRefused) {
  UniformSampler three;
  three.start(kThreeTasks, 0);
  UniformSampler two;
  two.start({"a", "b"}, 0);
  EXPECT_TRUE(says(
      error_of([&] { two.restore(three.state()); }),
      {"over 'a', 'b', but got", "over 'a', 'b', 'c'"}));
}

// Samplers that are given a number for each task.
struct NumberedCase {
  std::string name;
  std::unique_ptr<TaskSampler> (*make)(const TaskNumbers&);
};

std::ostream& operator<<(std::ostream& stream, const NumberedCase& each) {
  return stream << each.name;
}

template <typename Sampler, typename... Arguments>
std::unique_ptr<TaskSampler> make_numbered(const TaskNumbers& numbers) {
  return std::make_unique<Sampler>(numbers, Arguments(2.0)...);
}

class NumberedSampler : public ::testing::TestWithParam<NumberedCase> {
 protected:
  static std::string start_error(const TaskNumbers& numbers) {
    const auto sampler = GetParam().make(numbers);
    return error_of([&] { sampler->start(kThreeTasks, 0); });
  }
};

TEST_P(NumberedSampler, NeverDrawsATaskOfNumberZero) {
  const auto sampler = GetParam().make({{"a", 1}, {"b", 0}, {"c", 2}});
  sampler->start(kThreeTasks, 6);
  const auto counts = testing::count_draws(*sampler, 10000);
  EXPECT_EQ(counts[1], 0);
  EXPECT_GT(counts[0], 0);
  EXPECT_GT(counts[2], 0);
}

TEST_P(NumberedSampler, RefusesATaskThatThereIsNot) {
  EXPECT_TRUE(says(
      start_error({{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}}),
      {"there is no task 'd'", "there is 'a', 'b', 'c'"}));
}

TEST_P(NumberedSampler, IsNotStartedWhereTheStartWasRefused) {
  const auto sampler = GetParam().make({{"a", 1}});
  EXPECT_NE(error_of([&] { sampler->start(kThreeTasks, 0); }), "");
  EXPECT_TRUE(says(
      error_of([&] { sampler->next(); }), {"start() must come before next()"}));
}

TEST_P(NumberedSampler, RefusesATaskWithoutANumber) {
  EXPECT_TRUE(
      says(start_error({{"a", 1}, {"c", 1}}), {"no number for task 'b'"}));
}

TEST_P(NumberedSampler, RefusesATaskWithTwoNumbers) {
  EXPECT_TRUE(says(
      start_error({{"a", 1}, {"b", 1}, {"c", 1}, {"a", 2}}),
      {"task 'a' has more than one number"}));
}

TEST_P(NumberedSampler, RefusesNumbersBelowZero) {
  EXPECT_TRUE(says(
      start_error({{"a", 1}, {"b", -1}, {"c", 1}}),
      {"task 'b'", "finite number of at least 0, but got -1"}));
}

TEST_P(NumberedSampler, RefusesNumbersThatAreNotFinite) {
  EXPECT_TRUE(
      says(start_error({{"a", 1}, {"b", NAN}, {"c", 1}}), {"task 'b'", "nan"}));
  EXPECT_TRUE(says(
      start_error({{"a", 1}, {"b", 1}, {"c", INFINITY}}), {"task 'c'", "inf"}));
}

TEST_P(NumberedSampler, RefusesToDrawNothing) {
  EXPECT_TRUE(says(
      start_error({{"a", 0}, {"b", 0}, {"c", 0}}),
      {"every task has the number 0"}));
}

INSTANTIATE_TEST_SUITE_P(
    Kinds,
    NumberedSampler,
    ::testing::Values(
        NumberedCase{"Proportional", make_numbered<ProportionalSampler>},
        NumberedCase{
            "Temperature",
            make_numbered<TemperatureSampler, TemperatureSamplerOptions>},
        NumberedCase{"FixedRatio", make_numbered<FixedRatioSampler>}),
    [](const auto& each) { return each.param.name; });

} // namespace
} // namespace polytask
