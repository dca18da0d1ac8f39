// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/optim/fused_adam.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include "tests/support/networks.h"
#include "tests/support/original_job.h"
#include "tests/support/twin.h"

namespace polytask {
namespace {

using testing::OriginalJob;
using testing::same_bits;
using testing::snapshot;
namespace F = torch::nn::functional;

torch::nn::Linear linear_from(const torch::Tensor& weight) {
  torch::nn::Linear layer(weight.size(1), weight.size(0));
  layer->to(weight.scalar_type());
  torch::NoGradGuard no_grad;
  layer->weight.copy_(weight);
  layer->bias.zero_();
  return layer;
}

std::vector<torch::Tensor> parameters_of(
    const torch::nn::Linear& first, const torch::nn::Linear& second) {
  return {first->weight, first->bias, second->weight, second->bias};
}

class HandwrittenLoop : public ::testing::TestWithParam<torch::Dtype> {};

TEST_P(HandwrittenLoop, JointEqualsItBitForBit) {
  const OriginalJob job(4, GetParam());
  auto first = linear_from(job.w1);
  auto second = linear_from(job.w2);
  torch::optim::SGD optimizer(parameters_of(first, second), 0.5);
  for (int step = 0; step < 299; ++step) {
    optimizer.zero_grad();
    const auto loss1 = F::mse_loss(first(job.x), job.y1);
    const auto loss2 = F::mse_loss(second(job.x), job.y2);
    (loss1 + loss2).backward();
    optimizer.step();
  }

  const MultiTaskModel model = job.model();
  JointTraining joint(
      model,
      torch::optim::SGDOptions(0.5),
      JointTrainingOptions().route(Route::kAutograd));
  joint.run(job.batch(), 299);
  EXPECT_TRUE(same_bits(snapshot(model), parameters_of(first, second)));
}

TEST_P(HandwrittenLoop, AlternatingEqualsItBitForBitWithTheSameDraws) {
  const OriginalJob job(5, GetParam());
  const MultiTaskModel model = job.model();
  AlternatingTraining alternating(
      model,
      torch::optim::SGDOptions(0.5),
      AlternatingTrainingOptions().route(Route::kAutograd));
  std::vector<std::string> draws;
  alternating.run(job.batch(), 1000, [&](const StepReport& report) {
    draws.push_back(report.task);
  });

  auto first = linear_from(job.w1);
  auto second = linear_from(job.w2);
  torch::optim::SGD optimizer1(first->parameters(), 0.5);
  torch::optim::SGD optimizer2(second->parameters(), 0.5);
  for (const auto& task : draws) {
    auto& optimizer = task == "y1" ? optimizer1 : optimizer2;
    optimizer.zero_grad();
    const auto loss = task == "y1" ? F::mse_loss(first(job.x), job.y1)
                                   : F::mse_loss(second(job.x), job.y2);
    loss.backward();
    optimizer.step();
  }
  EXPECT_TRUE(same_bits(snapshot(model), parameters_of(first, second)));
}

INSTANTIATE_TEST_SUITE_P(
    Dtypes, HandwrittenLoop, ::testing::Values(torch::kFloat, torch::kDouble));

// A loop over the model's own modules, as somebody without polytask writes it.
template <typename Optimizer>
std::vector<torch::Tensor> train_by_hand(
    MultiTaskModel model, const Batch& batch, int steps, double weight_of_b) {
  Optimizer optimizer(
      model->unique_parameters(), torch::optim::AdamOptions(1e-2));
  for (int step = 0; step < steps; ++step) {
    optimizer.zero_grad();
    const auto outputs = model->forward(batch.input());
    const auto loss = [&](const std::string& task) {
      return F::mse_loss(outputs[task], batch.part(task).labels.target());
    };
    (loss("a") + loss("b") * weight_of_b + loss("c")).backward();
    optimizer.step();
  }
  return snapshot(model);
}

TEST(HandwrittenLoopOverATrunk, JointWithTaskWeightsEqualsItBitForBit) {
  const MultiTaskModel model = testing::make_shared_model();
  MultiTaskModel twin = testing::twin_of(model);
  const Batch batch = testing::make_shared_batch();

  twin->task("b").weight(0.3);
  JointTraining joint(
      twin,
      torch::optim::AdamOptions(1e-2),
      JointTrainingOptions().route(Route::kAutograd));
  joint.run(batch, 50);
  EXPECT_TRUE(same_bits(
      snapshot(twin),
      train_by_hand<optim::FusedAdam>(model, batch, 50, /*weight_of_b=*/0.3)));
}

TEST(HandwrittenLoopOverATrunk, TheUsersOptimizerIsUsedAsItIs) {
  const MultiTaskModel model = testing::make_shared_model();
  MultiTaskModel twin = testing::twin_of(model);
  const Batch batch = testing::make_shared_batch();

  torch::optim::Adam optimizer(
      twin->unique_parameters(), torch::optim::AdamOptions(1e-2));
  JointTraining joint(
      twin, optimizer, JointTrainingOptions().route(Route::kAutograd));
  joint.run(batch, 50);
  EXPECT_EQ(&joint.optimizer(), &optimizer);
  EXPECT_TRUE(same_bits(
      snapshot(twin),
      train_by_hand<torch::optim::Adam>(model, batch, 50, /*weight_of_b=*/1)));
}

} // namespace
} // namespace polytask
