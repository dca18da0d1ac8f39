// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/sgd.h>

#include <cmath>
#include <functional>

#include "tests/support/networks.h"
#include "tests/support/twin.h"

namespace polytask {
namespace {

using testing::make_shared_batch;
using testing::make_shared_model;
using testing::snapshot;
using testing::twin_of;

struct ClippedStepCase {
  const char* name;
  Clipping clipping;
  std::function<void(const std::vector<torch::Tensor>&)> by_hand;
};

class ClippedSteps : public ::testing::TestWithParam<ClippedStepCase> {
 protected:
  // Ten steps on the sum of the losses of `tasks`.
  void train_by_hand(const std::vector<std::string>& tasks) {
    torch::optim::SGD optimizer(
        twin->unique_parameters(), torch::optim::SGDOptions(0.1).momentum(0.9));
    for (int step = 0; step < 10; ++step) {
      optimizer.zero_grad();
      torch::Tensor total;
      for (const auto& task : tasks) {
        const auto loss = torch::mse_loss(
            twin->forward_task(batch.input(), task),
            batch.part(task).labels.target());
        total = total.defined() ? total + loss : loss;
      }
      total.backward();
      GetParam().by_hand(twin->unique_parameters());
      optimizer.step();
    }
  }

  void expect_twins() const {
    const auto own = snapshot(model);
    const auto other = snapshot(twin);
    for (size_t i = 0; i < own.size(); ++i) {
      EXPECT_TRUE(torch::allclose(own[i], other[i], 1e-5, 1e-6)) << i;
    }
  }

  MultiTaskModel model = make_shared_model();
  MultiTaskModel twin = twin_of(model);
  Batch batch = make_shared_batch();
  torch::optim::SGDOptions options =
      torch::optim::SGDOptions(0.1).momentum(0.9);
};

TEST_P(ClippedSteps, JointlyEqualAHandWrittenLoop) {
  JointTraining(
      model, options, JointTrainingOptions().clipping(GetParam().clipping))
      .run(batch, 10);
  train_by_hand({"a", "b", "c"});
  expect_twins();
}

TEST_P(ClippedSteps, AlternatelyEqualAHandWrittenLoop) {
  AlternatingTraining alternating(
      model,
      options,
      AlternatingTrainingOptions().clipping(GetParam().clipping));
  for (int step = 0; step < 10; ++step) {
    alternating.step_task(batch, "b");
  }
  train_by_hand({"b"});
  expect_twins();
}

TEST_P(ClippedSteps, DifferFromUnclippedOnes) {
  JointTraining(
      model, options, JointTrainingOptions().clipping(GetParam().clipping))
      .run(batch, 10);
  JointTraining(twin, options).run(batch, 10);
  EXPECT_FALSE(torch::allclose(snapshot(model)[0], snapshot(twin)[0], 1e-3));
}

INSTANTIATE_TEST_SUITE_P(
    Kinds,
    ClippedSteps,
    ::testing::Values(
        ClippedStepCase{
            "ByNorm",
            Clipping::by_norm(0.1),
            [](const auto& parameters) {
              torch::nn::utils::clip_grad_norm_(parameters, 0.1);
            }},
        ClippedStepCase{
            "ByValue",
            Clipping::by_value(0.01),
            [](const auto& parameters) {
              torch::nn::utils::clip_grad_value_(parameters, 0.01);
            }}),
    [](const auto& each) { return each.param.name; });

// A trunk that the optimizer does not hold must not use up the bound.
TEST(ClippedNorm, IsThatOfWhatTheOptimizerHolds) {
  const MultiTaskModel model = make_shared_model();
  const auto head = model->task_parameters("a");
  const auto before = snapshot(model);
  torch::optim::SGD optimizer(head, 1.0);
  JointTraining joint(
      model,
      optimizer,
      JointTrainingOptions().clipping(Clipping::by_norm(0.01)));
  joint.step(make_shared_batch());

  double square = 0;
  const auto after = snapshot(model);
  for (size_t i = 0; i < before.size(); ++i) {
    square += (after[i] - before[i]).square().sum().item<double>();
  }
  EXPECT_NEAR(std::sqrt(square), 0.01, 1e-5);
}

} // namespace
} // namespace polytask
