// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/data/multi_loader.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <polytask/training/samplers/by_loss.h>
#include <polytask/training/samplers/fixed_ratio.h>
#include <polytask/training/samplers/simple.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include <cmath>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/twin.h"

namespace polytask {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using testing::make_shared_batch;
using testing::make_shared_model;
using testing::same_bits;
using testing::snapshot;
using testing::twin_of;

// What joint and alternating training have in common.
template <typename Training>
class EveryTraining : public ::testing::Test {
 protected:
  MultiTaskModel model = make_shared_model();
  Batch batch = make_shared_batch();
  torch::optim::AdamOptions options = torch::optim::AdamOptions(0.1);
};

using Trainings = ::testing::Types<JointTraining, AlternatingTraining>;
TYPED_TEST_SUITE(EveryTraining, Trainings);

TYPED_TEST(EveryTraining, RunsAsManyStepsAsAsked) {
  const MultiTaskModel twin = twin_of(this->model);
  TypeParam running(this->model, this->options);
  TypeParam stepping(twin, this->options);
  const StepReport last = running.run(this->batch, 5);
  StepReport step;
  for (int i = 0; i < 5; ++i) {
    step = stepping.step(this->batch);
  }
  EXPECT_TRUE(same_bits(snapshot(this->model), snapshot(twin)));
  EXPECT_EQ(last.step, 5);
  EXPECT_EQ(last.task, step.task);
  EXPECT_TRUE(torch::equal(last.losses, step.losses));
  EXPECT_TRUE(torch::equal(last.weights, step.weights));
}

TYPED_TEST(EveryTraining, ShowsEachStepToTheObserverInOrder) {
  TypeParam training(this->model, this->options);
  training.step(this->batch);
  std::vector<int64_t> seen;
  training.run(this->batch, 3, [&](const StepReport& report) {
    seen.push_back(report.step);
    EXPECT_EQ(training.steps(), report.step);
  });
  EXPECT_THAT(seen, ElementsAre(2, 3, 4));
}

TYPED_TEST(EveryTraining, RefusesToRunNoStep) {
  TypeParam training(this->model, this->options);
  EXPECT_THAT(
      error_of([&] { training.run(this->batch, 0); }),
      HasSubstr("at least one step, but got 0"));
  EXPECT_NE(error_of([&] { training.run(this->batch, -1); }), "");
  EXPECT_EQ(training.steps(), 0);
}

TYPED_TEST(EveryTraining, LeavesEarlierReportsAlone) {
  TypeParam training(this->model, this->options);
  const StepReport first = training.step(this->batch);
  const auto losses = first.losses.clone();
  const auto weights = first.weights.clone();
  training.run(this->batch, 5);
  EXPECT_TRUE(torch::equal(first.losses, losses));
  EXPECT_TRUE(torch::equal(first.weights, weights));
  EXPECT_EQ(first.step, 1);
}

TYPED_TEST(EveryTraining, ReportsWithoutAGraph) {
  TypeParam training(this->model, this->options);
  const StepReport report = training.step(this->batch);
  EXPECT_FALSE(report.losses.requires_grad());
  EXPECT_FALSE(report.weights.requires_grad());
}

TYPED_TEST(EveryTraining, GivesTheSameRunAgain) {
  const MultiTaskModel twin = twin_of(this->model);
  TypeParam(this->model, this->options).run(this->batch, 20);
  TypeParam(twin, this->options).run(this->batch, 20);
  EXPECT_TRUE(same_bits(snapshot(this->model), snapshot(twin)));
}

TYPED_TEST(EveryTraining, MayBeMoved) {
  TypeParam training(this->model, this->options);
  training.step(this->batch);
  TypeParam moved = std::move(training);
  EXPECT_EQ(moved.step(this->batch).step, 2);
}

TEST(JointReport, HoldsTheLossesBeforeTheUpdateAndTheTaskWeights) {
  MultiTaskModel model = make_shared_model();
  model->task("b").weight(0.25);
  model->task("c").weight(0);
  const Batch batch = make_shared_batch();
  std::vector<torch::Tensor> losses;
  for (const auto* task : {"a", "b"}) {
    losses.push_back(torch::mse_loss(
        model->forward_task(batch.input(), task),
        batch.part(task).labels.target()));
  }
  losses.push_back(torch::zeros({}));
  const auto report =
      JointTraining(model, torch::optim::SGDOptions(0.1)).step(batch);
  EXPECT_EQ(report.step, 1);
  EXPECT_EQ(report.task, "");
  EXPECT_TRUE(torch::allclose(report.losses, torch::stack(losses).detach()));
  EXPECT_TRUE(torch::equal(report.weights, torch::tensor({1.0F, 0.25F, 0.0F})));
}

TEST(AlternatingReport, HoldsTheDrawnTasksLossAndWeight) {
  MultiTaskModel model = make_shared_model();
  model->task("b").weight(0.25);
  const Batch batch = make_shared_batch();
  const auto loss = torch::mse_loss(
      model->forward_task(batch.input(), "b"), batch.part("b").labels.target());
  AlternatingTraining alternating(model, torch::optim::SGDOptions(0.1));
  const auto report = alternating.step_task(batch, "b");
  EXPECT_EQ(report.step, 1);
  EXPECT_EQ(report.task, "b");
  EXPECT_FLOAT_EQ(report.losses[1].item<float>(), loss.item<float>());
  EXPECT_TRUE(torch::equal(report.weights, torch::tensor({0.0F, 0.25F, 0.0F})));
  EXPECT_EQ(report.losses[0].item<float>(), 0);
}

TEST(JointTraining, TakesTheTasksOfABatchInAnyOrder) {
  const MultiTaskModel model = make_shared_model();
  const MultiTaskModel twin = twin_of(model);
  const Batch batch = make_shared_batch();
  const Batch turned(
      batch.input(),
      {{"c", batch.part("c").labels.target()},
       {"a", batch.part("a").labels.target()},
       {"b", batch.part("b").labels.target()}});
  JointTraining(model, torch::optim::SGDOptions(0.1)).run(batch, 3);
  JointTraining(twin, torch::optim::SGDOptions(0.1)).run(turned, 3);
  EXPECT_TRUE(same_bits(snapshot(model), snapshot(twin)));
}

TEST(JointTraining, WithInputsOfDifferentLengthEqualsAHandWrittenLoop) {
  const MultiTaskModel model = make_shared_model();
  MultiTaskModel twin = twin_of(model);
  const auto xa = torch::randn({7, 5});
  const auto xb = torch::randn({12, 5});
  const auto ya = torch::randn({7, 1});
  const auto yb = torch::randn({12, 2});
  torch::optim::Adam own(
      model->unique_parameters(), torch::optim::AdamOptions(0.1));
  JointTraining joint(
      model, own, JointTrainingOptions().route(Route::kAutograd));
  joint.run(Batch::per_task({{"a", xa, ya}, {"b", xb, yb}}), 10);

  torch::optim::Adam optimizer(
      twin->unique_parameters(), torch::optim::AdamOptions(0.1));
  for (int step = 0; step < 10; ++step) {
    optimizer.zero_grad();
    const auto loss_a = torch::mse_loss(twin->forward_task(xa, "a"), ya);
    const auto loss_b = torch::mse_loss(twin->forward_task(xb, "b"), yb);
    (loss_a + loss_b).backward();
    optimizer.step();
  }
  EXPECT_TRUE(same_bits(snapshot(model), snapshot(twin)));
}

TEST(AlternatingTraining, AsksForTheRowsOfTheDrawnTask) {
  AlternatingTraining alternating(
      make_shared_model(),
      torch::optim::SGDOptions(0.1),
      AlternatingTrainingOptions().sampler(
          FixedRatioSampler({{"a", 1}, {"b", 2}, {"c", 0}})));
  const Batch batch = make_shared_batch();
  std::vector<std::string> asked;
  std::vector<std::string> stepped;
  const BatchSource source = [&](const std::string& task) {
    asked.push_back(task);
    return Batch(batch.input(), {{task, batch.part(task).labels.target()}});
  };
  alternating.run(source, 6, [&](const StepReport& report) {
    stepped.push_back(report.task);
  });
  EXPECT_THAT(asked, ElementsAre("b", "a", "b", "b", "a", "b"));
  EXPECT_EQ(stepped, asked);
}

TEST(AlternatingTraining, TakesDataSetsOfDifferentLengthFromALoader) {
  using data::Dataset;
  const auto weight = torch::randn({5, 1});
  const auto rows_of_length = [&](int64_t rows) {
    return torch::randn({rows, 5});
  };
  const auto xa = rows_of_length(50);
  const auto xb = rows_of_length(21);
  data::MultiLoader loader(
      {Dataset(xa, {{"a", xa.matmul(weight)}}),
       Dataset(xb, {{"b", xb.matmul(weight) + 1}})},
      data::LoaderOptions().batch_size(8));
  MultiTaskModel model;
  model->add_task("a", LinearTask(5, 1));
  model->add_task("b", LinearTask(5, 1));
  AlternatingTraining alternating(model, torch::optim::SGDOptions(0.1));
  alternating.run(
      [&](const std::string& task) { return loader.next(task); }, 600);
  EXPECT_LT(
      torch::mse_loss(model->forward_task(xa, "a"), xa.matmul(weight))
          .item<float>(),
      1e-6);
  EXPECT_LT(
      torch::mse_loss(model->forward_task(xb, "b"), xb.matmul(weight) + 1)
          .item<float>(),
      1e-6);
}

TEST(AlternatingTraining, DrawsNothingForAStepOfTheCallersChoice) {
  AlternatingTraining alternating(
      make_shared_model(),
      torch::optim::SGDOptions(0.1),
      AlternatingTrainingOptions().sampler(RoundRobinSampler()));
  const Batch batch = make_shared_batch();
  EXPECT_EQ(alternating.step(batch).task, "a");
  EXPECT_EQ(alternating.step_task(batch, "c").task, "c");
  EXPECT_EQ(alternating.step(batch).task, "b");
  EXPECT_EQ(alternating.sampler().state().draws, 2);
  EXPECT_EQ(alternating.steps(), 3);
}

TEST(AlternatingTraining, DrawsAnotherSequenceForAnotherSeed) {
  const Batch batch = make_shared_batch();
  const auto draws = [&](uint64_t seed) {
    std::string tasks;
    AlternatingTraining(
        make_shared_model(),
        torch::optim::SGDOptions(0.1),
        AlternatingTrainingOptions().seed(seed))
        .run(
            batch, 30, [&](const StepReport& report) { tasks += report.task; });
    return tasks;
  };
  EXPECT_EQ(draws(1), draws(1));
  EXPECT_NE(draws(1), draws(2));
}

TEST(AlternatingTraining, ContinuesInACloneWithTheSamplersState) {
  MultiTaskModel model = make_shared_model();
  const Batch batch = make_shared_batch();
  const auto options = AlternatingTrainingOptions().sampler(ByLossSampler());
  AlternatingTraining first(model, torch::optim::SGDOptions(0.1), options);
  first.run(batch, 17);

  const MultiTaskModel twin = twin_of(model);
  AlternatingTraining second(twin, torch::optim::SGDOptions(0.1), options);
  second.sampler().restore(first.sampler().state());
  std::vector<std::string> drawn;
  first.run(
      batch, 40, [&](const auto& report) { drawn.push_back(report.task); });
  std::vector<std::string> drawn_again;
  second.run(batch, 40, [&](const auto& report) {
    drawn_again.push_back(report.task);
  });
  EXPECT_EQ(drawn, drawn_again);
  EXPECT_TRUE(same_bits(snapshot(model), snapshot(twin)));
  EXPECT_EQ(first.sampler().state(), second.sampler().state());
}

TEST(AlternatingTraining, TellsTheSamplerTheLosses) {
  AlternatingTraining alternating(
      make_shared_model(),
      torch::optim::SGDOptions(0.1),
      AlternatingTrainingOptions().sampler(ByLossSampler(0)));
  const Batch batch = make_shared_batch();
  std::vector<double> losses(3);
  // Without smoothing it keeps each task's last loss.
  alternating.run(batch, 9, [&](const StepReport& report) {
    for (int64_t task = 0; task < 3; ++task) {
      if (report.weights[task].item<float>() != 0) {
        losses[static_cast<size_t>(task)] = report.losses[task].item<double>();
      }
    }
  });
  EXPECT_EQ(alternating.sampler().state().values, losses);
}

TEST(AlternatingTraining, TellsTheSamplerNothingOfATaskWithoutALabel) {
  AlternatingTraining alternating(
      make_shared_model(),
      torch::optim::SGDOptions(0.1),
      AlternatingTrainingOptions().sampler(ByLossSampler()));
  const auto before = alternating.sampler().state().values;
  alternating.step_task(
      Batch(torch::randn({4, 5}), {{"b", torch::full({4, 2}, std::nan(""))}}),
      "b");
  auto passed = before;
  passed[1] = -2; // drawn in vain
  EXPECT_EQ(alternating.sampler().state().values, passed);
}

TEST(AlternatingTraining, CopiesTheSamplerItIsGiven) {
  const auto options =
      AlternatingTrainingOptions().sampler(RoundRobinSampler());
  const Batch batch = make_shared_batch();
  AlternatingTraining first(
      make_shared_model(), torch::optim::SGDOptions(0.1), options);
  first.step(batch);
  AlternatingTraining second(
      make_shared_model(), torch::optim::SGDOptions(0.1), options);
  EXPECT_EQ(second.step(batch).task, "a");
}

TEST(TwoTrainings, TakeTurnsOnOneModel) {
  const MultiTaskModel model = make_shared_model();
  const Batch batch = make_shared_batch();
  AlternatingTraining alternating(
      model, torch::optim::SGDOptions(0.05).momentum(0.9));
  JointTraining joint(model, torch::optim::SGDOptions(0.05).momentum(0.9));
  const auto first = joint.step(batch).losses.sum().item<float>();
  for (int turn = 0; turn < 10; ++turn) {
    alternating.run(batch, 10);
    joint.run(batch, 10);
  }
  EXPECT_LT(joint.step(batch).losses.sum().item<float>(), 0.7F * first);
}

// Gradients of the one do not leak into the other.
TEST(TwoTrainings, DoNotSeeEachOthersGradients) {
  const MultiTaskModel model = make_shared_model();
  const Batch batch = make_shared_batch();
  AlternatingTraining none(
      model,
      torch::optim::SGDOptions(0.0),
      AlternatingTrainingOptions().sampler(RoundRobinSampler()));
  const MultiTaskModel twin = twin_of(model);
  JointTraining joint(model, torch::optim::SGDOptions(0.1));
  JointTraining undisturbed(twin, torch::optim::SGDOptions(0.1));
  for (int step = 0; step < 5; ++step) {
    none.step(batch);
    joint.step(batch);
    undisturbed.step(batch);
  }
  EXPECT_TRUE(same_bits(snapshot(model), snapshot(twin)));
}

} // namespace
} // namespace polytask
