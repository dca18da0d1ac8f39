// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/balancing/make.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/huber.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/experts.h"
#include "tests/support/networks.h"
#include "tests/support/routes.h"

// Known heads behind features that are not one tensor of all tasks.

namespace polytask {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::relative_distance;
using testing::route_tolerance;
using testing::snapshot;
using torch::nn::Linear;
using torch::optim::SGDOptions;

// Features 6 -> 8, and of the second task what `change` makes of them.
class ChangedSharing : public Sharing {
 public:
  using Change = std::function<torch::Tensor(const torch::Tensor& features)>;

  explicit ChangedSharing(Change change)
      : change_(std::move(change)),
        layer_(register_module("layer", Linear(6, 8))) {}

  std::vector<torch::Tensor> features(
      const torch::Tensor& input, int64_t /*tasks*/) override {
    const torch::Tensor first = torch::tanh(layer_(input));
    return {first, change_(first)};
  }
  torch::Tensor features_of(const torch::Tensor& input, int64_t task) override {
    return features(input, 2)[static_cast<size_t>(task)];
  }

 private:
  Change change_;
  Linear layer_;
};

torch::nn::Sequential deep_head(int64_t width) {
  return torch::nn::Sequential(
      Linear(width, 4), torch::nn::ReLU(), Linear(4, 1));
}

// Two tasks, "a" linear and "b" of several layers on so many features.
MultiTaskModel changed_model(ChangedSharing::Change change, int64_t width) {
  torch::manual_seed(41);
  MultiTaskModel model(std::static_pointer_cast<Sharing>(
      std::make_shared<ChangedSharing>(std::move(change))));
  model->add_task("a", LinearTask(8, 1));
  model->add_task("b", Task(deep_head(width), HuberLoss()).weight(0.7));
  return model;
}

Batch changed_batch() {
  torch::manual_seed(42);
  const auto x = torch::randn({9, 6});
  return Batch(x, {{"a", torch::randn({9, 1})}, {"b", torch::randn({9, 1})}});
}

JointTraining joint_on(const MultiTaskModel& model, Route route) {
  return JointTraining(
      model, SGDOptions(0.05), JointTrainingOptions().route(route));
}

JointTraining balanced_on(const MultiTaskModel& model, Route route) {
  return JointTraining(
      model,
      SGDOptions(0.05),
      JointTrainingOptions().route(route).balancing(
          balancing::make("upgrad", {})));
}

using Make = std::function<MultiTaskModel()>;

// By the route that is chosen, and by autograd alone.
void expect_equal_steps(const Make& make, const Batch& batch) {
  const auto expected = make();
  JointTraining graph = joint_on(expected, Route::kAutograd);
  const auto found = make();
  JointTraining joint = joint_on(found, Route::kAuto);
  for (int step = 0; step < 5; ++step) {
    const auto losses = graph.step(batch).losses;
    EXPECT_LT(relative_distance({joint.step(batch).losses}, {losses}), 1e-5);
  }
  EXPECT_EQ(joint.route().route, Route::kStackedHeads) << joint.route().reason;
  EXPECT_LT(
      relative_distance(snapshot(found), snapshot(expected)),
      route_tolerance(torch::kFloat));
}

// A step with a balancing leaves the heads what autograd gives them.
void expect_balanced_step(const Make& make, const Batch& batch) {
  const auto model = make();
  JointTraining joint = balanced_on(model, Route::kAuto);
  joint.step(batch);
  const auto twin = make();
  for (int64_t task = 0; task < twin->size(); ++task) {
    const auto& name = twin->task_names()[static_cast<size_t>(task)];
    if (batch.has(name)) {
      const auto& part = batch.part(name);
      const auto loss =
          twin->loss(task, twin->features_of(part.input, task), part.labels);
      (loss * twin->task(task).weight()).backward();
    }
    const auto expected = twin->task(task).head().module()->parameters();
    const auto found = model->task(task).head().module()->parameters();
    for (size_t p = 0; p < expected.size(); ++p) {
      ASSERT_EQ(found[p].grad().defined(), expected[p].grad().defined());
      if (expected[p].grad().defined()) {
        EXPECT_LT(
            relative_distance({found[p].grad()}, {expected[p].grad()}), 1e-5);
      }
    }
  }
}

struct Changed {
  std::string name;
  ChangedSharing::Change change;
  int64_t width;
};

std::ostream& operator<<(std::ostream& stream, const Changed& changed) {
  return stream << changed.name;
}

class OwnFeatures : public ::testing::TestWithParam<Changed> {};

TEST_P(OwnFeatures, GiveAutogradsSteps) {
  const auto make = [] {
    return changed_model(GetParam().change, GetParam().width);
  };
  expect_equal_steps(make, changed_batch());
}

TEST_P(OwnFeatures, GiveAutogradsHeadGradientsInBalancedSteps) {
  const auto make = [] {
    return changed_model(GetParam().change, GetParam().width);
  };
  expect_balanced_step(make, changed_batch());
}

torch::Tensor turned(const torch::Tensor& features) {
  return (features.t().contiguous() * 2).t();
}

INSTANTIATE_TEST_SUITE_P(
    All,
    OwnFeatures,
    ::testing::Values(
        Changed{"Scaled", [](const torch::Tensor& x) { return x * 3; }, 8},
        Changed{
            "OfAnotherWidth",
            [](const torch::Tensor& x) { return torch::cat({x, x}, 1); },
            16},
        Changed{"ColumnByColumn", turned, 8},
        Changed{
            "AView",
            [](const torch::Tensor& x) { return x.narrow(1, 2, 4); },
            4},
        Changed{
            "WithoutAGraph",
            [](const torch::Tensor& x) { return x.detach(); },
            8}),
    [](const auto& each) { return each.param.name; });

ChangedSharing::Change scaled() {
  return [](const torch::Tensor& x) { return x * 3; };
}

TEST(OwnFeaturesOfTasks, FrozenHeadsStayAsTheyAre) {
  const auto make = [] {
    auto model = changed_model(scaled(), 8);
    for (auto& parameter : model->task("a").head().module()->parameters()) {
      parameter.requires_grad_(false);
    }
    model->task("b").head().module()->parameters()[0].requires_grad_(false);
    return model;
  };
  expect_equal_steps(make, changed_batch());
  expect_balanced_step(make, changed_batch());
  const auto model = make();
  JointTraining joint = joint_on(model, Route::kAuto);
  joint.step(changed_batch());
  for (const auto& own : model->task("a").head().module()->parameters()) {
    EXPECT_FALSE(own.grad().defined());
  }
}

TEST(OwnFeaturesOfTasks, ATaskWithoutLabelsHasNoGradient) {
  const auto make = [] { return changed_model(scaled(), 8); };
  const Batch all = changed_batch();
  const Batch some(all.input(), {{"b", all.part("b").labels.target()}});
  expect_equal_steps(make, some);
  expect_balanced_step(make, some);
  const auto model = make();
  JointTraining joint = joint_on(model, Route::kAuto);
  joint.step(all);
  joint.step(some);
  for (const auto& own : model->task("a").head().module()->parameters()) {
    EXPECT_FALSE(own.grad().defined());
  }
}

TEST(OwnFeaturesOfTasks, AFrozenSharingLeavesTheHeadsToLearn) {
  const auto make = [] {
    auto model = changed_model(scaled(), 8);
    for (auto& parameter : model->sharing().parameters()) {
      parameter.requires_grad_(false);
    }
    return model;
  };
  expect_equal_steps(make, changed_batch());
}

TEST(OwnFeaturesOfTasks, AReplacedParameterIsReadAnew) {
  const auto make = [] { return changed_model(scaled(), 8); };
  const auto replace = [](const MultiTaskModel& model) {
    torch::NoGradGuard no_grad;
    const auto head = model->task("a").head().as<LinearTask>();
    head->weight.set_data(torch::full({1, 8}, 0.25));
  };
  const auto expected = make();
  JointTraining graph = joint_on(expected, Route::kAutograd);
  const auto found = make();
  JointTraining joint = joint_on(found, Route::kAuto);
  graph.step(changed_batch());
  joint.step(changed_batch());
  replace(expected);
  replace(found);
  graph.step(changed_batch());
  joint.step(changed_batch());
  EXPECT_LT(
      relative_distance(snapshot(found), snapshot(expected)),
      route_tolerance(torch::kFloat));
}

// What a hook keeps is not written over by the next step.
TEST(OwnFeaturesOfTasks, AHookMayKeepTheGradientOfFeatures) {
  std::vector<torch::Tensor> kept;
  const auto model = changed_model(
      [&](const torch::Tensor& x) {
        const torch::Tensor features = x * 3;
        if (features.requires_grad()) {
          features.register_hook(
              [&](const torch::Tensor& gradient) { kept.push_back(gradient); });
        }
        return features;
      },
      8);
  JointTraining joint = joint_on(model, Route::kAuto);
  joint.step(changed_batch());
  ASSERT_EQ(kept.size(), 1u);
  const torch::Tensor copy = kept[0].clone();
  joint.step(changed_batch());
  EXPECT_TRUE(torch::equal(kept[0], copy));
  EXPECT_FALSE(torch::equal(kept[1], copy));
}

class BadFeatures : public ::testing::TestWithParam<bool> {
 protected:
  static std::string error_with(const ChangedSharing::Change& change) {
    const auto model = changed_model(change, 8);
    return error_of([&] {
      JointTraining joint = GetParam() ? balanced_on(model, Route::kAuto)
                                       : joint_on(model, Route::kAuto);
      joint.step(changed_batch());
    });
  }
};

TEST_P(BadFeatures, OfTheWrongWidthAreRefusedByTheTasksName) {
  const auto message =
      error_with([](const torch::Tensor& x) { return x.narrow(1, 0, 5); });
  EXPECT_THAT(message, HasSubstr("ask 'b'"));
  EXPECT_THAT(message, HasSubstr("cannot take features of shape [9, 5]"));
}

TEST_P(BadFeatures, OfTheWrongDtypeAreRefusedByTheTasksName) {
  const auto message =
      error_with([](const torch::Tensor& x) { return x.to(torch::kDouble); });
  EXPECT_THAT(message, HasSubstr("ask 'b'"));
  EXPECT_THAT(message, HasSubstr("dtype"));
}

TEST_P(BadFeatures, OfTheWrongRowsAreRefusedByTheTasksName) {
  const auto message =
      error_with([](const torch::Tensor& x) { return x.narrow(0, 0, 4); });
  EXPECT_THAT(message, HasSubstr("ask 'b'"));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadFeatures, ::testing::Bool(), [](const auto& each) {
      return each.param ? "BalancedStep" : "PlainStep";
    });

// Linear heads on each place of a sequence.
TEST(OwnFeaturesOfTasks, ThatAreNoMatrixGoByAutograd) {
  const auto model = changed_model(scaled(), 8);
  JointTraining joint = joint_on(model, Route::kAuto);
  const auto x = torch::randn({9, 3, 6});
  joint.step(Batch(
      x, {{"a", torch::randn({9, 3, 1})}, {"b", torch::randn({9, 3, 1})}}));
  EXPECT_EQ(joint.route().route, Route::kAutograd);
  EXPECT_THAT(joint.route().reason, HasSubstr("not a matrix"));
}

TEST(OwnFeaturesOfTasks, BehindASharingThatIsUnknownAreStackedHeads) {
  const auto model = changed_model(scaled(), 8);
  const JointTraining joint = joint_on(model, Route::kAuto);
  EXPECT_EQ(joint.route().route, Route::kStackedHeads);
  EXPECT_THAT(
      joint.route().reason, HasSubstr("does not know the layers of this"));
}

// A trunk of known layers takes one input; its heads take any.
TEST(OwnFeaturesOfTasks, OfOwnInputsBehindLayersAreStackedHeads) {
  const auto make = [] {
    torch::manual_seed(43);
    const torch::nn::Sequential trunk(Linear(6, 8), torch::nn::Tanh());
    MultiTaskModel model{HardSharing(trunk)};
    model->add_task("a", LinearTask(8, 1));
    model->add_task("b", Task(deep_head(8), MSELoss()));
    return model;
  };
  torch::manual_seed(44);
  const auto batch = Batch::per_task(
      {{"a", torch::randn({7, 6}), torch::randn({7, 1})},
       {"b", torch::randn({5, 6}), torch::randn({5, 1})}});
  expect_equal_steps(make, batch);
  expect_balanced_step(make, batch);
  JointTraining joint = joint_on(make(), Route::kAuto);
  EXPECT_EQ(joint.route().route, Route::kTrunkProgram);
  joint.step(batch);
  EXPECT_EQ(joint.route().route, Route::kStackedHeads);
  EXPECT_THAT(joint.route().reason, HasSubstr("inputs of their own"));
  joint.step(changed_batch());
  EXPECT_EQ(joint.route().route, Route::kTrunkProgram);
}

} // namespace
} // namespace polytask
