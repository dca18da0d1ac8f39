// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/optim/sgd.h>

#include "tests/support/networks.h"

namespace polytask {
namespace {

using testing::make_shared_batch;
using testing::make_shared_model;
using testing::same_bits;
using testing::snapshot;

class FrozenHead : public ::testing::Test {
 protected:
  torch::Tensor head() const {
    return model->task_parameters("b")[0].detach().clone();
  }
  torch::Tensor trunk() const {
    return model->shared_parameters()[0].detach().clone();
  }

  MultiTaskModel model = make_shared_model();
  Batch batch = make_shared_batch();
  torch::optim::SGDOptions options =
      torch::optim::SGDOptions(0.1).momentum(0.9).weight_decay(0.1);
};

TEST_F(FrozenHead, StandsStillWhileTheTrunkLearnsFromItsTask) {
  JointTraining joint(model, options);
  joint.run(batch, 3); // fill the momentum
  model->freeze("b");
  const auto frozen = head();
  const auto shared = trunk();
  joint.run(Batch(batch.input(), {{"b", batch.part("b").labels.target()}}), 3);
  EXPECT_TRUE(torch::equal(frozen, head()));
  EXPECT_FALSE(torch::equal(shared, trunk()));
}

TEST_F(FrozenHead, StandsStillInAlternatingTraining) {
  AlternatingTraining alternating(model, options);
  alternating.run(batch, 9);
  model->freeze("b");
  const auto frozen = head();
  const auto shared = trunk();
  alternating.step_task(batch, "b");
  EXPECT_TRUE(torch::equal(frozen, head()));
  EXPECT_FALSE(torch::equal(shared, trunk()));
}

TEST_F(FrozenHead, MovesAgainAfterwards) {
  JointTraining joint(model, options);
  model->freeze("b");
  joint.run(batch, 3);
  model->freeze("b", false);
  const auto thawed = head();
  joint.step(batch);
  EXPECT_FALSE(torch::equal(thawed, head()));
}

TEST_F(FrozenHead, ReportsItsLossAsBefore) {
  JointTraining joint(model, options);
  model->freeze("b");
  const auto report = joint.step(batch);
  EXPECT_GT(report.losses[1].item<double>(), 0);
  EXPECT_EQ(report.weights[1].item<double>(), 1);
}

TEST_F(FrozenHead, LeavesATrunkThatIsSharedUnfrozen) {
  model->freeze("b");
  for (const auto& parameter : model->shared_parameters()) {
    EXPECT_TRUE(parameter.requires_grad());
  }
}

TEST_F(FrozenHead, WithAllElseFrozenMakesAStepANoOp) {
  JointTraining joint(model, options);
  joint.run(batch, 3);
  for (auto& parameter : model->unique_parameters()) {
    parameter.requires_grad_(false);
  }
  const auto before = snapshot(model);
  const auto report = joint.step(batch);
  EXPECT_TRUE(same_bits(before, snapshot(model)));
  EXPECT_EQ(report.step, 4);
  EXPECT_GT(report.losses.sum().item<double>(), 0);
}

} // namespace
} // namespace polytask
