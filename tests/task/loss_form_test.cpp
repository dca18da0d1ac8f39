// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/loss_form.h>

#include <gtest/gtest.h>
#include <polytask/task/losses/callable.h>
#include <polytask/task/losses/cross_entropy.h>
#include <polytask/task/losses/huber.h>
#include <polytask/task/losses/l1.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/joint_training.h>

#include "tests/support/original_job.h"

namespace polytask {

namespace {

using Kind = LossForm::Kind;

// Squares of three times the residual, by a class whose base has a form.
class SteeperLoss : public MSELoss {
 protected:
  at::Tensor reduce(
      const at::Tensor& output,
      const at::Tensor& target,
      int64_t reduction) const override {
    return MSELoss::reduce(3 * output, 3 * target, reduction);
  }
};

// The same by a class that says what it looks at.
class SteeperOfOutputs : public SteeperLoss {
 protected:
  LossForm own_form() const override {
    return LossForm::of<SteeperOfOutputs>(Kind::kOfOutputs);
  }
};

JointTraining trained(const Loss& loss, Route route) {
  MultiTaskModel model;
  for (const char* name : {"y1", "y2"}) {
    torch::manual_seed(3);
    model->add_task(name, Task(torch::nn::Linear(2, 1), loss));
  }
  JointTraining joint(
      model,
      torch::optim::SGDOptions(0.01),
      JointTrainingOptions().route(route));
  for (int step = 0; step < 20; ++step) {
    joint.step(testing::OriginalJob(3).batch());
  }
  return joint;
}

TEST(LossForm, IsThatOfTheClassAlone) {
  EXPECT_EQ(MSELoss().form().kind, Kind::kSquared);
  EXPECT_EQ(L1Loss().form().kind, Kind::kAbsolute);
  EXPECT_EQ(HuberLoss(0.3).form().kind, Kind::kHuber);
  EXPECT_EQ(HuberLoss(0.3).form().parameter, 0.3);
  EXPECT_EQ(CrossEntropyLoss().form().kind, Kind::kOfOutputs);
  EXPECT_EQ(SteeperLoss().form().kind, Kind::kUnknown);
  EXPECT_EQ(SteeperOfOutputs().form().kind, Kind::kOfOutputs);
}

TEST(LossForm, OfADerivedLossIsNotItsBases) {
  const auto joint = trained(SteeperLoss(), Route::kAuto);
  EXPECT_EQ(joint.route().route, Route::kAutograd);
  const auto other = trained(MSELoss(), Route::kAutograd);
  EXPECT_FALSE(torch::allclose(
      joint.model()->parameters()[0], other.model()->parameters()[0]));
}

TEST(LossForm, PutsALossOfTheUsersOwnOnTheFastRoute) {
  const auto fast = trained(SteeperOfOutputs(), Route::kAuto);
  EXPECT_EQ(fast.route().route, Route::kLinearProgram);
  const auto slow = trained(SteeperLoss(), Route::kAutograd);
  const auto expected = slow.model()->parameters();
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(torch::allclose(
        fast.model()->parameters()[i], expected[i], 1e-5, 1e-6));
  }
}

} // namespace

} // namespace polytask
