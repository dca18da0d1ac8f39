// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
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
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { joint.step(wrong); }),
      {"Task 'a'", "the step is not taken"}));
  EXPECT_FALSE(moved(before, model));
}

TEST(BalancedTraining, AMethodThatWasResetStartsAnew) {
  torch::manual_seed(1);
  const auto batch = make_shared_batch();
  auto joint = balanced(make_shared_model(), balancing::make("gradvac"));
  joint.run(batch, 2);
  joint.balancing()->reset();
  EXPECT_EQ(joint.step(batch).step, 3);
  auto learning =
      balanced(make_shared_model(), balancing::make("uncertainty_weighting"));
  learning.balancing()->reset();
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { learning.step(batch); }),
      {"'uncertainty_weighting'", "was reset", "make a new training"}));
}

TEST(BalancedTraining, AnUpdateThatMakesALossInfiniteIsTheNextStepsError) {
  torch::manual_seed(1);
  const auto model = make_shared_model();
  const auto batch = make_shared_batch();
  JointTraining joint(
      model,
      torch::optim::SGDOptions(1e30),
      JointTrainingOptions().balancing(balancing::make("famo")));
  EXPECT_EQ(joint.step(batch).step, 1);
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { joint.step(batch); }), {"Task 'a'", "loss"}));
}

TEST(BalancedTraining, RefusesMethodsOfARepresentation) {
  EXPECT_TRUE(testing::says(
      testing::error_of([] {
        balanced(make_shared_model(), balancing::make("graddrop_libmtl"));
      }),
      {"'representation_graddrop'", "representation", "direction()"}));
  EXPECT_TRUE(testing::says(
      testing::error_of([] {
        balanced(
            make_shared_model(),
            std::make_unique<balancing::SummedRepresentation>(
                std::make_unique<balancing::MGDA>()));
      }),
      {"'summed_representation'", "representation"}));
}

TEST(BalancedTraining, RefusesRoutesThatAMethodOfLossesHasNoUseFor) {
  for (const Route route : {Route::kBatchedJacobian, Route::kStreamedGramian}) {
    EXPECT_TRUE(testing::says(
        testing::error_of([&] {
          JointTraining(
              make_shared_model(),
              torch::optim::SGDOptions(0.1),
              JointTrainingOptions().route(route).balancing(
                  balancing::make("famo")));
        }),
        {"'famo' reads losses", to_string(route)}));
  }
}

TEST(BalancedTraining, RefusesGroupsOfAMethodThatLearns) {
  EXPECT_TRUE(testing::says(
      testing::error_of([] {
        balanced(
            make_shared_model(),
            std::make_unique<balancing::PerGroup>(
                balancing::make("uncertainty_weighting")));
      }),
      {"per_group", "'uncertainty_weighting' learns"}));
  balancing::PerGroup groups(balancing::make("uncertainty_weighting"));
  for (int64_t attempt = 0; attempt < 2; ++attempt) {
    EXPECT_TRUE(testing::says(
        testing::error_of([&] { groups.prepare(3); }), {"learns"}));
  }
}

// A method of a user's own that keeps its weights for good.
class KeepsItsFirst
    : public balancing::Cloneable<KeepsItsFirst, balancing::GramianBalancing> {
 public:
  std::string name() const override {
    return "keeps_its_first";
  }
  bool wants_gradients() const override {
    return last_weights().empty();
  }

 protected:
  math::Vector compute(
      const math::Matrix& gramian, const balancing::Extras&) override {
    return math::Vector(static_cast<size_t>(gramian.size()), 1.0);
  }
};

TEST(BalancedTraining, WeightsOfOtherTasksAreNotRepeated) {
  torch::manual_seed(1);
  const auto batch = make_shared_batch();
  auto joint = balanced(make_shared_model(), std::make_unique<KeepsItsFirst>());
  joint.run(batch, 2);
  EXPECT_TRUE(testing::says(
      testing::error_of([&] {
        joint.step(
            Batch(batch.input(), {{"a", batch.part("a").labels.target()}}));
      }),
      {"keeps_its_first", "no weights of these tasks"}));
}

TEST(BalancedTraining, ReportsTheWeightsOfAMethodOfSeveralBatches) {
  torch::manual_seed(1);
  auto joint = balanced(make_shared_model(), balancing::make("modo"));
  const auto report = joint.step(
      {make_shared_batch(), make_shared_batch(), make_shared_batch()});
  EXPECT_NEAR(report.weights.sum().item<double>(), 1, 1e-6);
}

TEST(BalancedTraining, ClipsTheModelsGradientsAlone) {
  torch::manual_seed(1);
  const auto model = make_shared_model();
  JointTraining joint(
      model,
      torch::optim::SGDOptions(0.1),
      JointTrainingOptions()
          .clipping(Clipping::by_norm(1e-3))
          .balancing(balancing::make("uncertainty_weighting")));
  joint.step(make_shared_batch());
  double square = 0;
  for (const auto& parameter : model->parameters()) {
    square += parameter.grad().square().sum().item<double>();
  }
  EXPECT_NEAR(std::sqrt(square), 1e-3, 1e-7);
  EXPECT_GT(
      joint.balancing()->parameters()[0].grad().abs().max().item<double>(),
      1e-2);
}

TEST(BalancedTraining, WrappedMethodsTrainANetwork) {
  const auto batch = make_shared_batch();
  const auto mgda = [] { return std::make_unique<balancing::MGDA>(); };
  std::vector<std::unique_ptr<balancing::Balancing>> methods;
  methods.push_back(std::make_unique<balancing::EveryKSteps>(mgda(), 2));
  methods.push_back(std::make_unique<balancing::Preference>(
      mgda(), std::vector<double>{1, 2, 3}));
  methods.push_back(std::make_unique<balancing::PerGroup>(mgda()));
  methods.push_back(std::make_unique<balancing::CRMOGM>(mgda()));
  for (auto& method : methods) {
    const auto name = method->name();
    torch::manual_seed(1);
    const auto model = make_shared_model();
    const auto before = snapshot(model);
    auto joint = balanced(model, std::move(method));
    EXPECT_EQ(testing::error_of([&] { joint.run(batch, 4); }), "") << name;
    EXPECT_TRUE(moved(before, model)) << name;
  }
}

TEST(BalancedTraining, EveryMethodTrainsANetwork) {
  const auto batch = make_shared_batch();
  int64_t trained = 0;
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
    if (method->batches() != 1 || method->wants_representation()) {
      continue; // other inputs
    }
    ++trained;
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
  EXPECT_GE(trained, 60);
}

} // namespace
} // namespace polytask
