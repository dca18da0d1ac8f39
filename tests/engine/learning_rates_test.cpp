// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/engine/learning_rates.h>

#include <gmock/gmock.h>
#include <polytask/optim/fused_adam.h>
#include <polytask/optim/fused_sgd.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

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

// One optimizer for each part of the model, each with its own rate.
template <typename Optimizer, typename Options>
std::vector<torch::Tensor> train_parts_by_hand(
    MultiTaskModel model,
    const Batch& batch,
    Options options,
    const std::vector<double>& rates) {
  std::vector<Optimizer> optimizers;
  std::vector<std::vector<torch::Tensor>> parts = {model->shared_parameters()};
  for (const auto& task : model->task_names()) {
    parts.push_back(model->task_parameters(task));
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    options.lr(rates[i]);
    optimizers.emplace_back(parts[i], options);
  }
  for (int step = 0; step < 10; ++step) {
    model->zero_grad();
    torch::Tensor total;
    for (const auto& output : model->forward(batch.input())) {
      const auto loss = torch::mse_loss(
          output.value(), batch.part(output.key()).labels.target());
      total = total.defined() ? total + loss : loss;
    }
    total.backward();
    for (auto& optimizer : optimizers) {
      optimizer.step();
    }
  }
  return snapshot(model);
}

TEST(LearningRates, HoldForWhatIsSharedAndForEachTask) {
  const MultiTaskModel model = make_shared_model();
  const MultiTaskModel twin = twin_of(model);
  const Batch batch = make_shared_batch();
  const auto options = torch::optim::SGDOptions(0.1).momentum(0.9);
  JointTraining joint(
      model,
      options,
      JointTrainingOptions()
          .route(Route::kAutograd)
          .learning_rates(LearningRates().shared(0.01).task("b", 0.3)));
  joint.run(batch, 10);
  EXPECT_TRUE(same_bits(
      snapshot(model),
      train_parts_by_hand<optim::FusedSGD>(
          twin, batch, options, {0.01, 0.1, 0.3, 0.1})));
}

// LibTorch takes the default for a value that was not given.
TEST(LearningRates, HoldWhereTheyAreTheDefaultOfTheOptions) {
  const double by_default = torch::optim::AdamOptions().lr();
  const MultiTaskModel model = make_shared_model();
  const MultiTaskModel twin = twin_of(model);
  const Batch batch = make_shared_batch();
  const auto options = torch::optim::AdamOptions(0.1).weight_decay(0.1);
  JointTraining joint(
      model,
      options,
      JointTrainingOptions()
          .route(Route::kAutograd)
          .learning_rates(
              LearningRates().shared(by_default).task("a", by_default)));
  joint.run(batch, 10);
  EXPECT_TRUE(same_bits(
      snapshot(model),
      train_parts_by_hand<optim::FusedAdam>(
          twin, batch, options, {by_default, by_default, 0.1, 0.1})));
}

TEST(LearningRates, OfZeroLetPartsStandStillInAlternatingTraining) {
  const MultiTaskModel model = make_shared_model();
  const auto trunk = model->shared_parameters()[0].detach().clone();
  const auto head = model->task_parameters("a")[0].detach().clone();
  AlternatingTraining alternating(
      model,
      torch::optim::SGDOptions(0.1),
      AlternatingTrainingOptions().learning_rates(LearningRates().shared(0)));
  alternating.step_task(make_shared_batch(), "a");
  EXPECT_TRUE(torch::equal(trunk, model->shared_parameters()[0]));
  EXPECT_FALSE(torch::equal(head, model->task_parameters("a")[0]));
}

TEST(LearningRates, HaveNoEffectWhereNothingIsShared) {
  MultiTaskModel model;
  model->add_task("a", LinearTask(5, 1));
  JointTraining joint(
      model,
      torch::optim::SGDOptions(0.1),
      JointTrainingOptions().learning_rates(LearningRates().shared(0.5)));
  ASSERT_EQ(joint.optimizer().param_groups().size(), 1);
  EXPECT_EQ(joint.optimizer().param_groups()[0].options().get_lr(), 0.1);
}

TEST(LearningRates, AreRefusedWithTheUsersOptimizer) {
  const MultiTaskModel model = make_shared_model();
  torch::optim::SGD optimizer(model->unique_parameters(), 0.1);
  EXPECT_THAT(
      error_of([&] {
        JointTraining(
            model,
            optimizer,
            JointTrainingOptions().learning_rates(LearningRates().shared(0.1)));
      }),
      HasSubstr("parameter groups"));
}

TEST(LearningRates, RefuseTwoRatesForATask) {
  EXPECT_THAT(
      error_of([&] {
        JointTraining(
            make_shared_model(),
            torch::optim::SGDOptions(0.1),
            JointTrainingOptions().learning_rates(
                LearningRates().task("a", 0.1).task("a", 0.2)));
      }),
      HasSubstr("task 'a' has more than one rate"));
}

} // namespace
} // namespace polytask
