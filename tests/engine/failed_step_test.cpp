// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <polytask/training/samplers/by_loss.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include <limits>
#include <stdexcept>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/twin.h"

namespace polytask {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::make_shared_batch;
using testing::make_shared_model;
using testing::same_bits;
using testing::snapshot;
using testing::twin_of;

struct BadStep {
  const char* name;
  /// Makes a batch for the last task, "c", that no step can be taken on.
  Batch (*batch)();
  std::vector<std::string> words;
};

Batch batch_for_last(const torch::Tensor& target) {
  return Batch(
      torch::randn({4, 5}),
      {{"a", torch::randn({4, 1})},
       {"b", torch::randn({4, 2})},
       {"c", target}});
}

Batch wide_target() {
  return batch_for_last(torch::randn({4, 3}));
}

Batch double_target() {
  return batch_for_last(torch::randn({4, 1}, torch::kDouble));
}

Batch infinite_target() {
  return batch_for_last(
      torch::full({4, 1}, std::numeric_limits<float>::infinity()));
}

class FailedStep : public ::testing::TestWithParam<BadStep> {
 protected:
  template <typename Training, typename Step>
  void expect_undone(Training& training, Step&& step) {
    training.run(good, 3);
    const auto before = snapshot(model);
    const auto message = error_of([&] { step(GetParam().batch()); });
    for (const auto& word : GetParam().words) {
      EXPECT_THAT(message, HasSubstr(word));
    }
    EXPECT_TRUE(same_bits(before, snapshot(model)));
    EXPECT_EQ(training.steps(), 3);
  }

  MultiTaskModel model = make_shared_model();
  Batch good = make_shared_batch();
  torch::optim::AdamOptions options =
      torch::optim::AdamOptions(0.1).weight_decay(0.1);
};

TEST_P(FailedStep, LeavesAJointTrainingAsItWas) {
  MultiTaskModel twin = twin_of(model);
  JointTraining joint(model, options);
  expect_undone(joint, [&](const Batch& bad) { joint.step(bad); });

  JointTraining undisturbed(twin, options);
  undisturbed.run(good, 4);
  EXPECT_EQ(joint.step(good).step, 4);
  EXPECT_TRUE(same_bits(snapshot(model), snapshot(twin)));
}

TEST_P(FailedStep, LeavesAnAlternatingTrainingAsItWas) {
  AlternatingTraining alternating(model, options);
  expect_undone(
      alternating, [&](const Batch& bad) { alternating.step_task(bad, "c"); });

  const auto before = snapshot(model);
  EXPECT_EQ(alternating.step_task(good, "c").step, 4);
  EXPECT_FALSE(same_bits(before, snapshot(model)));
}

INSTANTIATE_TEST_SUITE_P(
    Batches,
    FailedStep,
    ::testing::Values(
        BadStep{"WideTarget", wide_target, {"Task 'c'", "[4, 1]", "[4, 3]"}},
        BadStep{"DoubleTarget", double_target, {"Task 'c'", "Float", "Double"}},
        BadStep{
            "InfiniteTarget",
            infinite_target,
            {"Task 'c'", "the loss is inf"}}),
    [](const auto& each) { return each.param.name; });

TEST(FailedLoss, OfNaNIsRefusedByName) {
  bool broken = false;
  MultiTaskModel model = make_shared_model();
  model->add_task(
      "own",
      Task(
          LinearTask(8, 1),
          [&broken](const torch::Tensor& output, const torch::Tensor& target) {
            const auto loss = (output - target).square().mean();
            return broken ? loss * std::numeric_limits<double>::quiet_NaN()
                          : loss;
          }));
  const Batch batch(
      torch::randn({4, 5}),
      {{"a", torch::randn({4, 1})}, {"own", torch::randn({4, 1})}});
  JointTraining joint(model, torch::optim::AdamOptions(0.1));
  joint.step(batch);
  const auto before = snapshot(model);
  broken = true;
  EXPECT_THAT(
      error_of([&] { joint.step(batch); }),
      HasSubstr("Task 'own': the loss is nan"));
  EXPECT_TRUE(same_bits(before, snapshot(model)));

  broken = false;
  EXPECT_EQ(joint.step(batch).step, 2);
  EXPECT_FALSE(same_bits(before, snapshot(model)));
}

TEST(FailedLoss, OfAnExplodingTrainingIsRefusedByName) {
  const MultiTaskModel model = make_shared_model();
  JointTraining joint(model, torch::optim::SGDOptions(1e15));
  const Batch batch = make_shared_batch();
  std::vector<torch::Tensor> before;
  const auto message = error_of([&] {
    for (int step = 0; step < 100; ++step) {
      before = snapshot(model);
      joint.step(batch);
    }
  });
  EXPECT_THAT(message, HasSubstr("Task 'a': the loss is "));
  EXPECT_THAT(message, HasSubstr("the parameters are as they were"));
  const auto after = snapshot(model);
  for (size_t i = 0; i < after.size(); ++i) {
    EXPECT_TRUE(torch::allclose(after[i], before[i], 0, 0, /*equal_nan=*/true));
  }
}

TEST(FailedLoss, IsNotLookedForWhereAsked) {
  const MultiTaskModel model = make_shared_model();
  JointTraining joint(
      model,
      torch::optim::SGDOptions(0.1),
      JointTrainingOptions().check_losses(false));
  const auto report = joint.step(infinite_target());
  EXPECT_TRUE(report.losses.isinf().any().item<bool>());
}

TEST(FailedLoss, ByAnExceptionOfTheUsersChangesNothing) {
  MultiTaskModel model = make_shared_model();
  model->add_task(
      "own",
      Task(
          LinearTask(8, 1),
          [](const torch::Tensor&, const torch::Tensor&) -> torch::Tensor {
            throw std::runtime_error("mine");
          }));
  const auto before = snapshot(model);
  JointTraining joint(model, torch::optim::SGDOptions(0.1));
  EXPECT_THROW(
      joint.step(Batch(
          torch::randn({4, 5}),
          {{"a", torch::randn({4, 1})}, {"own", torch::randn({4, 1})}})),
      std::runtime_error);
  EXPECT_TRUE(same_bits(before, snapshot(model)));
}

TEST(FailedLoss, ThatTheSamplerRefusesChangesNothing) {
  MultiTaskModel model;
  model->add_task(
      "own",
      Task(
          LinearTask(5, 1),
          [](const torch::Tensor& output, const torch::Tensor&) {
            return output.square().mean() - 1e3;
          }));
  const auto before = snapshot(model);
  AlternatingTraining alternating(
      model,
      torch::optim::SGDOptions(0.1),
      AlternatingTrainingOptions().sampler(ByLossSampler()));
  EXPECT_THAT(
      error_of([&] {
        alternating.step(
            Batch(torch::randn({4, 5}), {{"own", torch::randn({4, 1})}}));
      }),
      HasSubstr("task 'own'"));
  EXPECT_TRUE(same_bits(before, snapshot(model)));
  EXPECT_EQ(alternating.steps(), 0);
}

TEST(FailedStepOfATraining, NamesTasksAddedTooLate) {
  MultiTaskModel model = make_shared_model();
  JointTraining joint(model, torch::optim::SGDOptions(0.1));
  AlternatingTraining alternating(model, torch::optim::SGDOptions(0.1));
  model->add_task("late", LinearTask(8, 1));
  const Batch batch = make_shared_batch();
  EXPECT_THAT(
      error_of([&] { joint.step(batch); }), HasSubstr("make a new one"));
  EXPECT_THAT(
      error_of([&] { alternating.step(batch); }), HasSubstr("make a new one"));
}

} // namespace
} // namespace polytask
