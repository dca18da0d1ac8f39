// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>
#include <polytask/balancing/gramian/upgrad.h>
#include <polytask/balancing/scalarization/dwa.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/huber.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/says.h"
#include "tests/support/twin.h"

// Under autocast a step computes what the modules themselves compute: layers in
// bfloat16, losses in float32.

namespace polytask {
namespace {

using torch::optim::SGDOptions;

class CPUAutocast {
 public:
  CPUAutocast() {
    at::autocast::set_autocast_enabled(at::kCPU, true);
  }
  ~CPUAutocast() {
    at::autocast::set_autocast_enabled(at::kCPU, false);
    at::autocast::clear_cache();
  }
  CPUAutocast(const CPUAutocast&) = delete;
  CPUAutocast& operator=(const CPUAutocast&) = delete;
};

MultiTaskModel model_with_layers() {
  torch::manual_seed(4);
  torch::nn::Sequential trunk(
      torch::nn::Linear(5, 6), torch::nn::ReLU(), torch::nn::Linear(6, 4));
  MultiTaskModel model{HardSharing(trunk)};
  model->add_task("a", LinearTask(4, 1));
  model->add_task("b", Task(torch::nn::Linear(4, 2), HuberLoss(0.5)));
  return model;
}

Batch rows_for_layers() {
  return Batch(
      torch::randn({32, 5}),
      {{"a", torch::randn({32, 1})}, {"b", torch::randn({32, 2})}});
}

// A loop that somebody would write.
void step_by_hand(
    MultiTaskModel model,
    torch::optim::Optimizer& optimizer,
    const Batch& batch) {
  optimizer.zero_grad();
  torch::Tensor total;
  {
    const CPUAutocast autocast;
    const auto a = model->forward_task(batch.input(), "a");
    const auto b = model->forward_task(batch.input(), "b");
    EXPECT_EQ(a.scalar_type(), torch::kBFloat16);
    total = MSELoss()(a, batch.part("a").labels) +
        HuberLoss(0.5)(b, batch.part("b").labels);
  }
  total.backward();
  optimizer.step();
}

double far_apart(const MultiTaskModel& a, const MultiTaskModel& b) {
  double distance = 0;
  const auto left = testing::snapshot(a);
  const auto right = testing::snapshot(b);
  for (size_t i = 0; i < left.size(); ++i) {
    distance =
        std::max(distance, (left[i] - right[i]).abs().max().item<double>());
  }
  return distance;
}

TEST(Autocast, IsHonouredByJointSteps) {
  MultiTaskModel model = model_with_layers();
  MultiTaskModel twin = testing::twin_of(model);
  MultiTaskModel plain = testing::twin_of(model);
  const Batch batch = rows_for_layers();
  JointTraining joint(model, SGDOptions(0.1));
  torch::optim::SGD optimizer(twin->unique_parameters(), SGDOptions(0.1));
  JointTraining without(plain, SGDOptions(0.1));
  {
    // One guard for many steps: what it keeps of the parameters goes stale.
    const CPUAutocast autocast;
    for (int step = 0; step < 10; ++step) {
      EXPECT_EQ(joint.step(batch).losses.scalar_type(), torch::kFloat);
    }
  }
  for (int step = 0; step < 10; ++step) {
    step_by_hand(twin, optimizer, batch);
    without.step(batch);
  }
  EXPECT_EQ(joint.route().route, Route::kAutograd);
  EXPECT_EQ(joint.route().reason, "autocast is on");
  // Features computed once or twice give gradients that round differently, by a
  // part in 256; what training in float32 gives is no nearer.
  EXPECT_LT(far_apart(model, twin), 5e-3);
  EXPECT_GT(far_apart(model, plain), 0);
  joint.step(batch);
  EXPECT_EQ(joint.route().route, Route::kTrunkProgram);
}

TEST(Autocast, IsHonouredByRunsOfLinearTasks) {
  MultiTaskModel model;
  model->add_task("y", LinearTask(3, 1));
  const Batch batch(torch::randn({16, 3}), {{"y", torch::randn({16, 1})}});
  JointTraining joint(model, SGDOptions(0.1));
  const CPUAutocast autocast;
  const auto report = joint.run(batch, 200);
  EXPECT_EQ(joint.route().reason, "autocast is on");
  EXPECT_EQ(report.losses.scalar_type(), torch::kFloat);
}

TEST(Autocast, IsHonouredByAlternatingSteps) {
  MultiTaskModel model = model_with_layers();
  AlternatingTraining alternating(model, SGDOptions(0.1));
  const CPUAutocast autocast;
  alternating.step(rows_for_layers());
  EXPECT_EQ(alternating.route().reason, "autocast is on");
}

TEST(Autocast, IsHonouredByBalancedSteps) {
  const std::vector<std::shared_ptr<balancing::Balancing>> methods{
      std::make_shared<balancing::UPGrad>(),
      std::make_shared<balancing::DWA>()};
  for (const auto& method : methods) {
    MultiTaskModel model = model_with_layers();
    JointTraining joint(
        model,
        SGDOptions(0.1),
        JointTrainingOptions().shared_balancing(method));
    const Batch batch = rows_for_layers();
    {
      const CPUAutocast autocast;
      const auto report = joint.step(batch);
      EXPECT_EQ(report.losses.scalar_type(), torch::kFloat);
      EXPECT_TRUE(testing::says(joint.route().reason, {"autocast is on"}))
          << joint.route().route;
    }
    for (const auto& parameter : model->parameters()) {
      EXPECT_EQ(parameter.grad().scalar_type(), torch::kFloat);
      EXPECT_TRUE(parameter.isfinite().all().item<bool>());
    }
    joint.step(batch);
    EXPECT_EQ(joint.route().reason.find("autocast"), std::string::npos);
  }
}

TEST(Autocast, RefusesARouteThatCannotHonourIt) {
  JointTraining joint(
      model_with_layers(),
      SGDOptions(0.1),
      JointTrainingOptions().route(Route::kTrunkProgram));
  const CPUAutocast autocast;
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { joint.step(rows_for_layers()); }),
      {"the route 'trunk program' cannot take this step: autocast is on"}));
}

// A model in bfloat16 with labels as they are.
TEST(HalfPrecision, ModelsTrainOnFloatLabels) {
  for (const auto type : {torch::kBFloat16, torch::kHalf}) {
    MultiTaskModel model = model_with_layers();
    model->to(type);
    const Batch batch = Batch(
                            torch::randn({32, 5}).to(type),
                            {{"a", torch::randn({32, 1})},
                             {"b", torch::randn({32, 2}).to(type)}})
                            .with_weights({{"a", torch::rand({32})}});
    JointTraining joint(model, SGDOptions(0.05));
    const auto first = joint.step(batch).losses;
    EXPECT_EQ(first.scalar_type(), torch::kFloat);
    for (int step = 0; step < 50; ++step) {
      joint.step(batch);
    }
    const auto last = joint.step(batch).losses;
    EXPECT_LT(last.sum().item<double>(), first.sum().item<double>());
    EXPECT_EQ(model->parameters()[0].scalar_type(), type);
  }
}

} // namespace
} // namespace polytask
