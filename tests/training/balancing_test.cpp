// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <limits>

#include <polytask/balancing.h>
#include <polytask/training/joint_training.h>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::make_shared_batch;
using testing::make_shared_model;
using testing::same_bits;
using testing::snapshot;

JointTraining balanced(
    const MultiTaskModel& model, std::unique_ptr<balancing::Balancing> method) {
  return JointTraining(
      model,
      torch::optim::SGDOptions(0.1),
      JointTrainingOptions().balancing(std::move(method)));
}

bool moved(
    const std::vector<torch::Tensor>& before, const MultiTaskModel& model) {
  return !same_bits(before, snapshot(model));
}

TEST(BalancedTraining, UncertaintyWeightingLearnsWithTheModel) {
  torch::manual_seed(1);
  const auto model = make_shared_model();
  const auto batch = make_shared_batch();
  auto joint = balanced(model, balancing::make("uncertainty_weighting"));
  const auto report = joint.step(batch);
  // d/ds of ½ exp(-s) L + ½ s at s = 0 is ½ (1 - L).
  const auto expected = -0.1 * 0.5 * (1 - report.losses.to(torch::kDouble));
  EXPECT_TRUE(torch::allclose(
      joint.balancing()->parameters()[0].detach(), expected, 1e-6, 1e-7));
  EXPECT_TRUE(torch::allclose(
      report.weights, torch::full({3}, 0.5f, report.weights.options())));
}

TEST(BalancedTraining, AUsersOptimizerMustHoldWhatAMethodLearns) {
  const auto model = make_shared_model();
  torch::optim::SGD users(model->unique_parameters(), 0.1);
  EXPECT_TRUE(testing::says(
      testing::error_of([&] {
        JointTraining(
            model,
            users,
            JointTrainingOptions().balancing(
                balancing::UncertaintyWeighting()));
      }),
      {"'uncertainty_weighting'", "parameters()", "shared_balancing"}));
}

TEST(BalancedTraining, AUsersOptimizerTrainsASharedMethod) {
  torch::manual_seed(1);
  const auto model = make_shared_model();
  const auto method = std::make_shared<balancing::UncertaintyWeighting>();
  method->prepare(3);
  auto parameters = model->unique_parameters();
  parameters.push_back(method->parameters()[0]);
  torch::optim::SGD users(parameters, 0.1);
  JointTraining joint(
      model, users, JointTrainingOptions().shared_balancing(method));
  joint.step(make_shared_batch());
  EXPECT_GT(method->parameters()[0].abs().sum().item<double>(), 0);
}

TEST(BalancedTraining, FAMOLearnsFromTheLossesAfterTheUpdate) {
  torch::manual_seed(1);
  const auto model = make_shared_model();
  auto joint = balanced(model, balancing::make("famo"));
  joint.step(make_shared_batch());
  EXPECT_GT(
      joint.balancing()->state().at("logits").abs().sum().item<double>(), 0);
}

TEST(BalancedTraining, EachTrainingHasAMethodOfItsOwn) {
  torch::manual_seed(1);
  const auto batch = make_shared_batch();
  const auto options =
      JointTrainingOptions().balancing(balancing::make("gradvac"));
  JointTraining first(
      make_shared_model(), torch::optim::SGDOptions(0.1), options);
  JointTraining second(
      make_shared_model(), torch::optim::SGDOptions(0.1), options);
  first.run(batch, 3);
  const auto kept = second.balancing()->state().at("phi");
  EXPECT_EQ(kept.abs().sum().item<double>(), 0);
}

TEST(BalancedTraining, TheSameSeedGivesTheSameRun) {
  const auto batch = make_shared_batch();
  std::vector<torch::Tensor> ends[2];
  for (auto& end : ends) {
    torch::manual_seed(1);
    const auto model = make_shared_model();
    auto method = balancing::make("pcgrad");
    method->seed(3);
    balanced(model, std::move(method)).run(batch, 20);
    end = snapshot(model);
  }
  EXPECT_TRUE(same_bits(ends[0], ends[1]));
}

TEST(BalancedTraining, GoesOnFromAStateToTheBit) {
  const auto batch = make_shared_batch();
  torch::manual_seed(1);
  const auto model = make_shared_model();
  auto joint = balanced(model, balancing::make("pcgrad"));
  joint.run(batch, 5);
  const auto state = joint.balancing()->state();
  const auto copy =
      std::dynamic_pointer_cast<MultiTaskModelImpl>(model->clone());
  joint.run(batch, 5);
  auto resumed = balanced(MultiTaskModel(copy), balancing::make("pcgrad"));
  resumed.balancing()->load_state(state);
  resumed.run(batch, 5);
  EXPECT_TRUE(same_bits(snapshot(model), snapshot(MultiTaskModel(copy))));
}

TEST(BalancedTraining, MoDoTakesThreeBatches) {
  torch::manual_seed(1);
  const auto model = make_shared_model();
  auto joint = balanced(model, balancing::make("modo"));
  const auto before = snapshot(model);
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { joint.step(make_shared_batch()); }),
      {"'modo'", "needs 3 batches"}));
  EXPECT_FALSE(moved(before, model));
  const auto report = joint.step(
      {make_shared_batch(), make_shared_batch(), make_shared_batch()});
  EXPECT_EQ(report.step, 1);
  EXPECT_TRUE(moved(before, model));
}

TEST(BalancedTraining, ALossThatIsNotFiniteMovesNothing) {
  torch::manual_seed(1);
  const auto model = make_shared_model();
  const auto batch = make_shared_batch();
  auto joint = balanced(model, balancing::make("mgda"));
  const auto before = snapshot(model);
  const Batch wrong(
      batch.input() * std::numeric_limits<float>::infinity(),
      {{"a", torch::zeros({16, 1})}},
      BatchOptions().check_input(false));
  EXPECT_NE(testing::error_of([&] { joint.step(wrong); }), "");
  EXPECT_FALSE(moved(before, model));
}

TEST(BalancedTraining, GroupsMadeInAStepOfSomeTasksKnowAllTasks) {
  torch::manual_seed(1);
  const auto model = make_shared_model();
  const auto batch = make_shared_batch();
  auto joint = balanced(
      model,
      std::make_unique<balancing::PerGroup>(
          std::make_unique<balancing::DBMTL>()));
  const Batch some(
      batch.input(),
      {{"a", batch.part("a").labels.target()},
       {"c", batch.part("c").labels.target()}});
  EXPECT_EQ(joint.step(some).step, 1);
  EXPECT_EQ(joint.step(batch).step, 2);
}

TEST(BalancedTraining, EveryMethodTrainsANetwork) {
  const auto batch = make_shared_batch();
  for (const auto& name : balancing::names()) {
    balancing::OptionValues options;
    if (name == "constant" || name == "scalarizer_constant" ||
        name == "constant_weights") {
      options = {{"weights", std::vector<double>{1, 2, 0.5}}};
    } else if (name.find("cosmos") != std::string::npos) {
      options = {
          {"lambda", 1}, {"weights", std::vector<double>{0.3, 0.3, 0.4}}};
    }
    std::unique_ptr<balancing::Balancing> method;
    try {
      method = balancing::make(name, options);
    } catch (const c10::Error&) {
      continue; // needs options that other tests give it
    }
    if (method->batches() != 1 ||
        name.find("representation") != std::string::npos ||
        name == "graddrop_libmtl") {
      continue; // other inputs
    }
    torch::manual_seed(1);
    const auto model = make_shared_model();
    const auto before = snapshot(model);
    auto joint = balanced(model, std::move(method));
    const auto message = testing::error_of([&] {
      joint.run(batch, 3);
      // Only two of the tasks have a label.
      joint.step(Batch(
          batch.input(),
          {{"a", batch.part("a").labels.target()},
           {"c", batch.part("c").labels.target()}}));
    });
    EXPECT_EQ(message, "") << name;
    EXPECT_TRUE(moved(before, model)) << name;
    for (const auto& parameter : model->parameters()) {
      EXPECT_TRUE(torch::isfinite(parameter).all().item<bool>()) << name;
    }
  }
}

} // namespace
} // namespace polytask
