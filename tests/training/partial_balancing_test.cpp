// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
// Balanced steps in which only some of the tasks have labels.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include <polytask/balancing.h>
#include <polytask/training/joint_training.h>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::make_shared_batch;
using testing::make_shared_model;

Batch without_b(const Batch& batch) {
  return Batch(
      batch.input(),
      {{"a", batch.part("a").labels.target()},
       {"c", batch.part("c").labels.target()}});
}

JointTraining training(std::unique_ptr<balancing::Balancing> method) {
  torch::manual_seed(1);
  return JointTraining(
      make_shared_model(),
      torch::optim::SGDOptions(0.1),
      JointTrainingOptions().balancing(std::move(method)));
}

std::vector<double> weights_in(const StepReport& report) {
  std::vector<double> weights;
  for (int64_t task = 0; task < report.weights.numel(); ++task) {
    weights.push_back(report.weights[task].item<double>());
  }
  return weights;
}

TEST(PartialBalancing, GroupsMadeInAStepOfSomeTasksKnowAllTasks) {
  const auto batch = make_shared_batch();
  auto joint = training(std::make_unique<balancing::PerGroup>(
      std::make_unique<balancing::DBMTL>()));
  EXPECT_EQ(joint.step(without_b(batch)).step, 1);
  EXPECT_EQ(joint.step(batch).step, 2);
  EXPECT_EQ(joint.step(without_b(batch)).step, 3);
}

class KeptWeights : public ::testing::TestWithParam<bool> {
 protected:
  // Weights of one step for ten, by the wrapper or by Nash-MTL itself.
  static JointTraining made() {
    if (GetParam()) {
      return training(
          balancing::make("nash_mtl", {{"update_weights_every", 10}}));
    }
    return training(std::make_unique<balancing::EveryKSteps>(
        std::make_unique<balancing::NashMTL>(), 10));
  }
};

TEST_P(KeptWeights, AreThoseOfTheTasksThatTakePart) {
  const auto batch = make_shared_batch();
  auto joint = made();
  joint.step(batch);
  const auto some = weights_in(joint.step(without_b(batch)));
  // Two tasks' own solution, not a part of that of three.
  auto pair = training(std::make_unique<balancing::NashMTL>());
  pair.run(batch, 1);
  const auto expected = weights_in(pair.step(without_b(batch)));
  EXPECT_EQ(some[1], 0);
  EXPECT_NEAR(some[0], expected[0], 1e-6 * expected[0]);
  EXPECT_NEAR(some[2], expected[2], 1e-6 * expected[2]);
}

INSTANTIATE_TEST_SUITE_P(
    Both, KeptWeights, ::testing::Bool(), [](const auto& each) {
      return each.param ? "NashMTL" : "EveryKSteps";
    });

TEST(PartialBalancing, WeightsStayWhereNoStepHasAllTasks) {
  const auto batch = make_shared_batch();
  auto joint = training(std::make_unique<balancing::EveryKSteps>(
      std::make_unique<balancing::MGDA>(), 10));
  const auto some = without_b(batch);
  const auto first = weights_in(joint.step(some));
  EXPECT_EQ(weights_in(joint.step(some)), first);
}

// What these track over steps, they track from the first on.
TEST(PartialBalancing, AveragesGrowWhereNoStepHasAllTasks) {
  const auto batch = make_shared_batch();
  const auto both = without_b(batch);
  for (const std::string name : {"moco", "db_mtl", "excess_mtl"}) {
    auto joint = training(balancing::make(name));
    joint.run(both, 3);
    const auto state = joint.balancing()->state();
    for (const auto& [buffer, value] : state) {
      if (value.dim() == 2) {
        EXPECT_EQ(value.size(0), 3) << name << ": " << buffer;
        EXPECT_EQ(value[1].abs().sum().item<double>(), 0) << name;
        EXPECT_GT(value[2].abs().sum().item<double>(), 0) << name;
      }
    }
    EXPECT_EQ(state.at("steps").item<int64_t>(), 3) << name;
  }
}

TEST(PartialBalancing, AMovingAverageKnowsWhoHasNoWeightYet) {
  const auto batch = make_shared_batch();
  auto joint = training(
      std::make_unique<balancing::CRMOGM>(std::make_unique<balancing::MGDA>()));
  joint.step(without_b(batch));
  EXPECT_TRUE(
      std::isnan(joint.balancing()->state().at("weights")[1].item<double>()));
  const auto all = joint.step(batch).weights;
  EXPECT_TRUE(torch::isfinite(all).all().item<bool>());
}

TEST(PartialBalancing, GroupsOfAMethodOfLossesSeeThem) {
  const auto batch = make_shared_batch();
  const auto gradient = [&](std::unique_ptr<balancing::Balancing> method) {
    torch::manual_seed(1);
    const auto model = make_shared_model();
    JointTraining(
        model,
        torch::optim::SGDOptions(0.0),
        JointTrainingOptions().balancing(std::move(method)))
        .step(batch);
    return model->shared_parameters()[0].grad();
  };
  const auto make = [] { return balancing::make("geometric_mean"); };
  EXPECT_TRUE(torch::allclose(
      gradient(std::make_unique<balancing::PerGroup>(make())),
      gradient(make()),
      1e-5,
      1e-6));
}

TEST(PartialBalancing, RefusesPlacesThatAreNone) {
  const auto method = balancing::make("gradvac");
  method->prepare(3);
  for (const std::vector<int64_t>& places :
       {std::vector<int64_t>{0, 7}, {2, 0}, {}, {-1}}) {
    EXPECT_TRUE(testing::says(
        testing::error_of([&] { method->with_tasks(places, [] {}); }),
        {"gradvac", "ascending places", "3 tasks"}));
  }
  EXPECT_EQ(method->state().at("phi").size(0), 3);
}

TEST(PartialBalancing, WeightsStayWhileTheSameTasksTakePart) {
  const auto batch = make_shared_batch();
  auto joint = training(std::make_unique<balancing::EveryKSteps>(
      std::make_unique<balancing::MGDA>(), 10));
  const auto some = without_b(batch);
  joint.step(batch);
  const auto first = weights_in(joint.step(some));
  EXPECT_EQ(weights_in(joint.step(some)), first);
  EXPECT_NE(weights_in(joint.step(batch)), first);
}

TEST(PartialBalancing, KeptWeightsGoOnFromAStateToTheBit) {
  const auto batch = make_shared_batch();
  const auto make = [] {
    return std::make_unique<balancing::EveryKSteps>(
        std::make_unique<balancing::MGDA>(), 10);
  };
  torch::manual_seed(1);
  const auto model = make_shared_model();
  const auto options = torch::optim::SGDOptions(0.1);
  JointTraining joint(model, options, JointTrainingOptions().balancing(make()));
  joint.run(batch, 3);
  const auto state = joint.balancing()->state();
  const auto copy =
      std::dynamic_pointer_cast<MultiTaskModelImpl>(model->clone());
  joint.run(batch, 3);
  JointTraining resumed(
      MultiTaskModel(copy), options, JointTrainingOptions().balancing(make()));
  resumed.balancing()->load_state(state);
  resumed.run(batch, 3);
  EXPECT_TRUE(testing::same_bits(
      testing::snapshot(model), testing::snapshot(MultiTaskModel(copy))));
}

TEST(PartialBalancing, NumbersGivenForEachTaskStayWithTheirTasks) {
  const auto batch = make_shared_batch();
  auto joint = training(
      balancing::make("constant", {{"weights", std::vector<double>{1, 2, 3}}}));
  EXPECT_EQ(
      weights_in(joint.step(without_b(batch))), (std::vector<double>{1, 0, 3}));
}

TEST(PartialBalancing, NestedChoicesOfTasksNameTheirPlacesAmongThem) {
  const auto method =
      balancing::make("constant", {{"weights", std::vector<double>{1, 2, 3}}});
  method->prepare(3);
  auto& losses = static_cast<balancing::LossBalancing&>(*method);
  torch::Tensor inner;
  torch::Tensor outer;
  method->with_tasks({0, 2}, [&] {
    method->with_tasks({1}, [&] { inner = losses.weights(torch::ones({1})); });
    outer = losses.weights(torch::ones({2}));
  });
  EXPECT_TRUE(torch::equal(inner, torch::tensor({3.0f})));
  EXPECT_TRUE(torch::equal(outer, torch::tensor({1.0f, 3.0f})));
  EXPECT_TRUE(torch::equal(
      losses.weights(torch::ones({3})), torch::tensor({1.0f, 2.0f, 3.0f})));
}

TEST(PartialBalancing, AStepWithoutALabelLeavesNoGradient) {
  torch::manual_seed(1);
  const auto model = make_shared_model();
  const auto batch = make_shared_batch();
  JointTraining joint(
      model,
      torch::optim::SGDOptions(0.1),
      JointTrainingOptions().balancing(balancing::make("mgda")));
  joint.step(batch);
  const auto unlabelled = torch::full({16, 1}, std::nanf(""));
  joint.step(Batch(batch.input(), {{"a", unlabelled}}));
  for (const auto& parameter : model->parameters()) {
    EXPECT_FALSE(parameter.grad().defined());
  }
}

} // namespace
} // namespace polytask
