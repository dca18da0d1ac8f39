// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/training/joint_training.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include "tests/support/networks.h"

namespace polytask {
namespace {

using testing::make_shared_batch;
using testing::make_shared_model;

class MethodParameters : public ::testing::TestWithParam<const char*> {};

TEST_P(MethodParameters, AreALastGroupThatDoesNotDecay) {
  const auto rates = LearningRates().shared(0.01).task("b", 0.02);
  for (const bool by_task : {false, true}) {
    SCOPED_TRACE(by_task);
    const MultiTaskModel model = make_shared_model();
    JointTraining joint(
        model,
        torch::optim::AdamWOptions(0.1).weight_decay(0.3),
        JointTrainingOptions()
            .learning_rates(by_task ? rates : LearningRates())
            .balancing(balancing::make(GetParam())));
    const auto& groups = joint.optimizer().param_groups();
    ASSERT_EQ(groups.size(), by_task ? 5u : 2u);
    EXPECT_TRUE(groups[0].params()[0].is_same(model->shared_parameters()[0]));
    EXPECT_TRUE(
        groups.back().params()[0].is_same(joint.balancing()->parameters()[0]));
    const auto decay_of = [](const auto& group) {
      return static_cast<const torch::optim::AdamWOptions&>(group.options())
          .weight_decay();
    };
    for (const auto& group : groups) {
      EXPECT_EQ(decay_of(group), &group == &groups.back() ? 0 : 0.3);
    }
    EXPECT_EQ(groups.back().options().get_lr(), 0.1);
  }
}

TEST_P(MethodParameters, MoveAsWithoutDecay) {
  const auto learned_with = [](double decay) {
    JointTraining joint(
        make_shared_model(),
        torch::optim::SGDOptions(0.1).weight_decay(decay),
        JointTrainingOptions().balancing(balancing::make(GetParam())));
    joint.step(make_shared_batch());
    return joint.balancing()->parameters()[0].detach().clone();
  };
  torch::manual_seed(1);
  const auto with = learned_with(0.5);
  torch::manual_seed(1);
  EXPECT_TRUE(torch::equal(with, learned_with(0)));
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    MethodParameters,
    ::testing::Values("uncertainty_weighting", "imtl_l"),
    [](const auto& each) { return std::string(each.param); });

} // namespace
} // namespace polytask
