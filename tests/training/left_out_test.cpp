// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/samplers/by_loss.h>
#include <polytask/training/samplers/fixed_ratio.h>
#include <polytask/training/samplers/function.h>
#include <polytask/training/samplers/temperature.h>
#include <torch/optim/sgd.h>

#include <limits>
#include <map>
#include <memory>
#include <string>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/original_job.h"
#include "tests/support/says.h"

// Tasks of weight 0 or without a label are not drawn.

namespace polytask {
namespace {

using testing::error_of;
using testing::make_shared_batch;
using testing::make_shared_model;
using testing::same_bits;
using testing::says;
using testing::snapshot;
using torch::optim::SGDOptions;

struct LeavingOut {
  std::string name;
  std::shared_ptr<const TaskSampler> sampler;
};

std::ostream& operator<<(std::ostream& stream, const LeavingOut& each) {
  return stream << each.name;
}

std::vector<LeavingOut> leaving_out() {
  const TaskNumbers numbers = {{"a", 5}, {"b", 3}, {"c", 2}};
  return {
      {"Uniform", std::make_shared<UniformSampler>()},
      {"RoundRobin", std::make_shared<RoundRobinSampler>()},
      {"Proportional", std::make_shared<ProportionalSampler>(numbers)},
      {"Temperature",
       std::make_shared<TemperatureSampler>(
           numbers, TemperatureSamplerOptions(3))},
      {"FixedRatio", std::make_shared<FixedRatioSampler>(numbers)},
      {"ByLoss", std::make_shared<ByLossSampler>()}};
}

Batch batch_without(const std::string& task) {
  const Batch whole = make_shared_batch();
  Batch::Targets targets;
  for (const auto& part : whole.parts()) {
    const auto& target = part.labels.target();
    targets.emplace_back(
        part.task,
        part.task == task
            ? torch::full_like(target, std::numeric_limits<float>::quiet_NaN())
            : target);
  }
  return Batch(whole.input(), targets);
}

class LeavesOut : public ::testing::TestWithParam<LeavingOut> {
 protected:
  AlternatingTraining alternating() {
    return AlternatingTraining(
        model,
        SGDOptions(0.01),
        AlternatingTrainingOptions().sampler(*GetParam().sampler));
  }
  std::map<std::string, int> drawn(
      AlternatingTraining& training, const Batch& batch, int64_t steps) {
    std::map<std::string, int> counts;
    training.run(
        batch, steps, [&](const StepReport& report) { ++counts[report.task]; });
    return counts;
  }

  MultiTaskModel model = make_shared_model();
};

TEST_P(LeavesOut, ATaskWithoutALabel) {
  auto training = alternating();
  auto counts = drawn(training, batch_without("a"), 60);
  EXPECT_EQ(counts["a"], 0);
  EXPECT_GT(counts["b"], 10);
  EXPECT_GT(counts["c"], 10);
  EXPECT_EQ(training.sampler().state().draws, 60);
}

TEST_P(LeavesOut, ATaskOfWeightZero) {
  model->task("b").weight(0);
  auto training = alternating();
  auto counts = drawn(training, make_shared_batch(), 60);
  EXPECT_EQ(counts["b"], 0);
  EXPECT_GT(counts["a"], 10);
  EXPECT_GT(counts["c"], 10);
}

TEST_P(LeavesOut, ItOnlyAsLongAsItHasNoPart) {
  model->task("b").weight(0);
  auto training = alternating();
  drawn(training, make_shared_batch(), 30);
  model->task("b").weight(1);
  EXPECT_GT(drawn(training, make_shared_batch(), 60)["b"], 5);
}

TEST_P(LeavesOut, EveryTaskWhereNoneHasALabelAndMovesNothing) {
  auto training = alternating();
  const Batch whole = make_shared_batch();
  Batch::Targets targets;
  for (const auto& part : whole.parts()) {
    targets.emplace_back(
        part.task, torch::full_like(part.labels.target(), std::nan("")));
  }
  const auto before = snapshot(model);
  const auto sampler = training.sampler().state();
  const auto report = training.step(Batch(whole.input(), targets));
  EXPECT_EQ(report.task, "");
  EXPECT_EQ(report.step, 1);
  EXPECT_EQ(report.weights.abs().sum().item<double>(), 0);
  EXPECT_TRUE(same_bits(before, snapshot(model)));
  EXPECT_EQ(training.sampler().state(), sampler);
}

TEST_P(LeavesOut, ATaskOfWeightZeroFromRowsThatAreAskedFor) {
  model->task("a").weight(0);
  auto training = alternating();
  std::map<std::string, int> asked;
  training.run(
      [&](const std::string& task) {
        ++asked[task];
        return make_shared_batch();
      },
      40);
  EXPECT_EQ(asked["a"], 0);
  EXPECT_GT(asked["b"], 5);
  EXPECT_GT(asked["c"], 5);
}

TEST_P(LeavesOut, NothingWhereEveryTaskHasTheWeightZero) {
  for (const auto& name : model->task_names()) {
    model->task(name).weight(0);
  }
  auto training = alternating();
  EXPECT_TRUE(says(
      error_of([&] {
        training.step([](const std::string&) { return make_shared_batch(); });
      }),
      {"there is no task to draw"}));
  EXPECT_EQ(training.steps(), 0);
}

// The run that keeps weights in the eigenbasis.
TEST_P(LeavesOut, TheSameTaskInARunByNormalEquations) {
  torch::manual_seed(1);
  MultiTaskModel linear;
  for (const auto* name : {"a", "b", "c"}) {
    linear->add_task(name, LinearTask(5, 1));
  }
  const auto x = torch::randn({16, 5});
  const auto y = torch::randn({16, 1});
  const Batch batch(
      x, {{"a", torch::full_like(y, std::nan(""))}, {"b", y}, {"c", y}});
  AlternatingTraining training(
      linear,
      SGDOptions(0.01),
      AlternatingTrainingOptions()
          .fixed_batch(FixedBatch::kNormalEquations)
          .sampler(*GetParam().sampler));
  const auto before = snapshot(linear);
  training.run(batch, 50);
  const auto after = snapshot(linear);
  EXPECT_TRUE(torch::equal(before[0], after[0]));
  EXPECT_FALSE(torch::equal(before[2], after[2]));
  EXPECT_FALSE(torch::equal(before[4], after[4]));
  EXPECT_EQ(training.sampler().state().draws, 50);
}

INSTANTIATE_TEST_SUITE_P(
    Samplers,
    LeavesOut,
    ::testing::ValuesIn(leaving_out()),
    [](const auto& each) { return each.param.name; });

TEST(ByLossSampler, GoesOnFromRowsWithoutALabel) {
  // "a" has never a label; it was once drawn for ever.
  MultiTaskModel model = make_shared_model();
  AlternatingTraining training(
      model,
      SGDOptions(0.01),
      AlternatingTrainingOptions().sampler(ByLossSampler()));
  const Batch batch = batch_without("a");
  std::map<std::string, int> asked;
  training.run(
      [&](const std::string& task) {
        ++asked[task];
        return batch;
      },
      90);
  EXPECT_GT(asked["b"], 5);
  EXPECT_GT(asked["c"], 5);
  EXPECT_GT(asked["a"], 1); // it may have one some day
}

TEST(FixedRatioSampler, KeepsTheRatiosOfTheTasksThatAreLeft) {
  FixedRatioSampler sampler({{"a", 2}, {"b", 1}, {"c", 3}});
  sampler.start({"a", "b", "c"}, 0);
  std::vector<int> counts(3);
  for (int i = 0; i < 30; ++i) {
    ++counts[static_cast<size_t>(*sampler.next({true, true, false}))];
  }
  EXPECT_EQ(counts, (std::vector<int>{20, 10, 0}));
}

TEST(RoundRobinSampler, PassesOverThoseThatTakeNoPart) {
  RoundRobinSampler sampler;
  sampler.start({"a", "b", "c"}, 0);
  std::vector<int64_t> drawn;
  for (int i = 0; i < 4; ++i) {
    drawn.push_back(*sampler.next({true, false, true}));
  }
  EXPECT_EQ(drawn, (std::vector<int64_t>{0, 2, 0, 2}));
}

TEST(ProportionalSampler, HasNobodyWhereOnlyTasksOfNumberZeroAreLeft) {
  ProportionalSampler sampler({{"a", 1}, {"b", 0}});
  sampler.start({"a", "b"}, 0);
  EXPECT_FALSE(sampler.next({false, true}).has_value());
  EXPECT_EQ(sampler.state().draws, 0);
}

TEST(TemperatureSampler, DrawsTheSmallWhereTheLargeIsLeftOut) {
  // (1e-9)^1000 is 0 in double.
  TemperatureSampler sampler({{"a", 1e9}, {"b", 1}}, 1e-3);
  sampler.start({"a", "b"}, 0);
  EXPECT_EQ(sampler.next({false, true}), 1);
}

TEST(TaskSampler, RefusesToBeToldOfOtherNumbersOfTasks) {
  UniformSampler sampler;
  sampler.start({"a", "b"}, 0);
  EXPECT_TRUE(
      says(error_of([&] { sampler.next({true}); }), {"2 tasks", "of 1"}));
}

TEST(FunctionSampler, IsToldWhoTakesPartAndItsWordHolds) {
  std::vector<bool> told;
  MultiTaskModel model = make_shared_model();
  AlternatingTraining training(
      model,
      SGDOptions(0.01),
      AlternatingTrainingOptions().sampler(
          FunctionSampler([&](const FunctionSampler::Context& context) {
            told = context.takes_part;
            return 0;
          })));
  const auto before = snapshot(model);
  const auto report = training.step(batch_without("a"));
  EXPECT_EQ(told, (std::vector<bool>{false, true, true}));
  EXPECT_EQ(report.task, "a");
  EXPECT_TRUE(same_bits(before, snapshot(model)));
}

// A sampler that reads the model sees the weights of its step.
TEST(FunctionSampler, SeesTheWeightsOfEachStepInARun) {
  const testing::OriginalJob job(1);
  MultiTaskModel model = job.model();
  std::vector<torch::Tensor> seen;
  const FunctionSampler sampler([&](const FunctionSampler::Context&) {
    seen.push_back(model->parameters()[0].detach().clone());
    return 0;
  });
  AlternatingTraining training(
      model, SGDOptions(0.1), AlternatingTrainingOptions().sampler(sampler));
  training.run(job.batch(), 2000);
  ASSERT_EQ(seen.size(), 2000);
  EXPECT_FALSE(torch::equal(seen[0], seen[1]));
  EXPECT_FALSE(torch::equal(seen[1], seen[2]));
  EXPECT_TRUE(says(training.route().reason, {"the sampler may look"}));
}

TEST(FunctionSampler, LetsARunKeepTheWeightsAsideWhereItDoesNotLook) {
  const testing::OriginalJob job(1);
  const auto trained = [&](bool reads_model) {
    MultiTaskModel model = job.model();
    const auto in_turn = [](const FunctionSampler::Context& context) {
      return context.draws % 2;
    };
    AlternatingTraining training(
        model,
        SGDOptions(0.5),
        AlternatingTrainingOptions().sampler(FunctionSampler(
            in_turn, FunctionSamplerOptions().reads_model(reads_model))));
    training.run(job.batch(), 2000);
    EXPECT_EQ(
        training.route().reason.find("eigenbasis") != std::string::npos,
        !reads_model)
        << training.route().reason;
    return snapshot(model);
  };
  const auto looking = trained(true);
  const auto blind = trained(false);
  for (size_t i = 0; i < looking.size(); ++i) {
    EXPECT_TRUE(torch::allclose(looking[i], blind[i], 1e-5, 1e-6)) << i;
  }
}

TEST(FunctionSampler, IsNoneOfARunByNormalEquations) {
  const testing::OriginalJob job(1);
  AlternatingTraining training(
      job.model(),
      SGDOptions(0.1),
      AlternatingTrainingOptions()
          .fixed_batch(FixedBatch::kNormalEquations)
          .sampler(FunctionSampler(
              [](const FunctionSampler::Context&) { return 0; })));
  EXPECT_TRUE(says(
      error_of([&] { training.run(job.batch(), 10); }),
      {"normal equations cannot take this run", "the sampler may look"}));
}

} // namespace
} // namespace polytask
