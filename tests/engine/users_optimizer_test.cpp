// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/lbfgs.h>
#include <torch/optim/sgd.h>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/warnings.h"

namespace polytask {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::make_shared_batch;
using testing::make_shared_model;
using testing::Warnings;

TEST(UsersOptimizer, LeavesAloneWhatItDoesNotHold) {
  const MultiTaskModel model = make_shared_model();
  torch::optim::SGD optimizer(model->task_parameters("a"), 0.1);
  JointTraining joint(model, optimizer);
  const Batch batch = make_shared_batch();
  const auto trunk = model->shared_parameters()[0];
  const auto before = trunk.detach().clone();
  joint.step(batch);
  EXPECT_TRUE(torch::equal(before, trunk));
}

TEST(UsersOptimizer, IsToldOfWhatItDoesNotHold) {
  MultiTaskModel model = make_shared_model();
  torch::optim::SGD made_before(model->unique_parameters(), 0.1);
  const JointTraining knows_all(model, made_before);
  model->replace_head("a", torch::nn::Linear(8, 1));
  Warnings warnings("training: your optimizer");
  const JointTraining joint(model, made_before);
  ASSERT_EQ(warnings.texts.size(), 1U);
  EXPECT_THAT(warnings.texts[0], HasSubstr("does not hold 'tasks.a.weight'"));
  for (const auto& parameter : model->task_parameters("a")) {
    parameter.requires_grad_(false);
  }
  const JointTraining of_the_rest(model, made_before);
  EXPECT_EQ(warnings.texts.size(), 1U);
}

TEST(UsersOptimizer, DoesNotLetGradientsPileUpOnWhatItDoesNotHold) {
  const MultiTaskModel model = make_shared_model();
  torch::optim::SGD nothing_moves(model->task_parameters("a"), 0.0);
  JointTraining joint(model, nothing_moves);
  AlternatingTraining alternating(model, nothing_moves);
  const Batch batch = make_shared_batch();
  const auto trunk = model->shared_parameters()[0];
  joint.step(batch);
  const auto gradient = trunk.grad().clone();
  joint.step(batch);
  EXPECT_TRUE(torch::equal(gradient, trunk.grad()));

  alternating.step_task(batch, "b");
  alternating.step_task(batch, "a");
  EXPECT_FALSE(model->task_parameters("b")[0].grad().defined());
}

TEST(UsersOptimizer, TrainsAParameterOfALoss) {
  const auto scale = torch::ones({1}).requires_grad_();
  MultiTaskModel model;
  model->add_task(
      "a",
      Task(
          LinearTask(5, 1),
          [scale](const torch::Tensor& output, const torch::Tensor& target) {
            return (output * scale - target).square().mean();
          }));
  auto parameters = model->unique_parameters();
  parameters.push_back(scale);
  torch::optim::SGD optimizer(parameters, 0.1);
  JointTraining joint(model, optimizer);
  joint.step(Batch(torch::randn({8, 5}), {{"a", torch::randn({8, 1})}}));
  const auto gradient = scale.grad().clone();
  EXPECT_NE(scale.item<float>(), 1);

  joint.step(Batch(torch::randn({8, 5}), {{"a", torch::zeros({8, 1})}}));
  EXPECT_FALSE(torch::equal(gradient, scale.grad())); // begun anew, not added
}

TEST(UsersOptimizer, PassesOverWhatNoLossUses) {
  const MultiTaskModel model = make_shared_model();
  const auto outside = torch::ones({3}).requires_grad_();
  auto parameters = model->unique_parameters();
  parameters.push_back(outside);
  outside.mutable_grad() = torch::ones({3}); // from elsewhere
  torch::optim::SGD optimizer(
      parameters, torch::optim::SGDOptions(0.1).weight_decay(0.1));
  JointTraining(model, optimizer).step(make_shared_batch());
  EXPECT_TRUE(torch::equal(outside, torch::ones({3})));
}

TEST(UsersOptimizer, MayBeSharedByTwoTrainings) {
  const MultiTaskModel model = make_shared_model();
  torch::optim::SGD optimizer(model->unique_parameters(), 0.1);
  JointTraining joint(model, optimizer);
  AlternatingTraining alternating(model, optimizer);
  EXPECT_EQ(&joint.optimizer(), &alternating.optimizer());
  const auto before = joint.step(make_shared_batch());
  EXPECT_EQ(before.step, 1);
}

TEST(UsersOptimizer, MustNotStepATiedHeadTwice) {
  const LinearTask head(5, 1);
  MultiTaskModel model;
  model->add_task("a", head);
  model->add_task("b", head);
  torch::optim::SGD twice(model->parameters(), 0.1);
  const auto joint = error_of([&] { JointTraining(model, twice); });
  const auto alternating = error_of([&] { AlternatingTraining(model, twice); });
  for (const auto& message : {joint, alternating}) {
    EXPECT_THAT(message, HasSubstr("'tasks.a.weight', 'tasks.b.weight'"));
    EXPECT_THAT(message, HasSubstr("step it twice"));
    EXPECT_THAT(message, HasSubstr("unique_parameters()"));
  }
  torch::optim::SGD once(model->unique_parameters(), 0.1);
  EXPECT_NO_THROW(JointTraining(model, once));
}

TEST(UsersOptimizer, MustNotHoldATensorOfItsOwnInTwoGroups) {
  const MultiTaskModel model = make_shared_model();
  const auto outside = torch::ones({3}).requires_grad_();
  torch::optim::SGD twice(model->unique_parameters(), 0.1);
  twice.add_param_group(torch::optim::OptimizerParamGroup({outside}));
  EXPECT_NO_THROW(JointTraining(model, twice));
  twice.param_groups()[1].params().push_back(outside);
  EXPECT_THAT(
      error_of([&] { JointTraining(model, twice); }),
      HasSubstr("a parameter of shape [3], twice"));
}

TEST(UsersOptimizer, MustNotBeLBFGS) {
  const MultiTaskModel model = make_shared_model();
  torch::optim::LBFGS optimizer(model->unique_parameters());
  EXPECT_THAT(
      error_of([&] { JointTraining(model, optimizer); }), HasSubstr("LBFGS"));
  EXPECT_THAT(
      error_of([&] { AlternatingTraining(model, optimizer); }),
      HasSubstr("closure"));
}

TEST(UsersOptimizer, NeedsAModelWithAParameter) {
  MultiTaskModel model;
  model->add_task(
      "a", Task(torch::nn::Tanh(), [](const auto& output, const auto& target) {
        return (output - target).square().mean();
      }));
  const auto other = torch::ones({1}).requires_grad_();
  torch::optim::SGD optimizer({other}, 0.1);
  EXPECT_THAT(
      error_of([&] { JointTraining(model, optimizer); }),
      HasSubstr("the model has no parameter"));
}

} // namespace
} // namespace polytask
