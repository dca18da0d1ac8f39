// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/sharing/residual.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <functional>
#include <string>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/twin.h"

// What a trunk of known layers hands to its heads, however its input lies in
// memory and whatever was refused before.

namespace polytask {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::snapshot;
using torch::nn::Linear;
using torch::optim::SGDOptions;

struct LaidOut {
  std::string name;
  std::function<Network()> trunk;
  std::function<torch::Tensor()> input; // [B, 4]
};

std::ostream& operator<<(std::ostream& stream, const LaidOut& each) {
  return stream << each.name;
}

MultiTaskModel laid_out_model(const Network& trunk) {
  MultiTaskModel model{HardSharing(trunk)};
  model->add_task("a", LinearTask(4, 1));
  const torch::nn::Sequential deep(
      Linear(4, 3), torch::nn::Tanh(), Linear(3, 1));
  model->add_task("b", Task(deep, MSELoss()));
  return model;
}

class InputsOfATrunk : public ::testing::TestWithParam<LaidOut> {};

TEST_P(InputsOfATrunk, MayLieInMemoryAsTheyLike) {
  torch::manual_seed(1);
  MultiTaskModel model = laid_out_model(GetParam().trunk());
  MultiTaskModel twin = testing::twin_of(model);
  const torch::Tensor input = GetParam().input();
  const int64_t rows = input.size(0);
  const Batch batch(
      input,
      {{"a", torch::randn({rows, 1}, torch::kDouble)},
       {"b", torch::randn({rows, 1}, torch::kDouble)}});
  model->to(torch::kDouble);
  twin->to(torch::kDouble);
  JointTraining found(model, SGDOptions(0.1));
  JointTraining expected(
      twin, SGDOptions(0.1), JointTrainingOptions().route(Route::kAutograd));
  for (int step = 0; step < 3; ++step) {
    EXPECT_TRUE(torch::allclose(
        found.step(batch).losses, expected.step(batch).losses, 1e-10));
  }
  const auto left = snapshot(model);
  const auto right = snapshot(twin);
  for (size_t i = 0; i < left.size(); ++i) {
    EXPECT_TRUE(torch::allclose(left[i], right[i], 1e-10, 1e-12));
  }
}

torch::Tensor across() {
  return torch::randn({4, 20}, torch::kDouble).t();
}
torch::Tensor out_of_a_table() {
  return torch::randn({20, 9}, torch::kDouble).narrow(1, 2, 4);
}
torch::Tensor one_row_often() {
  return torch::randn({1, 4}, torch::kDouble).expand({20, 4});
}
Network residual_trunk() {
  return Residual(torch::nn::Sequential(Linear(4, 4)));
}
Network identity_trunk() {
  return torch::nn::Sequential(torch::nn::Identity());
}
Network flat_trunk() {
  return torch::nn::Sequential(torch::nn::Flatten());
}

INSTANTIATE_TEST_SUITE_P(
    Inputs,
    InputsOfATrunk,
    ::testing::Values(
        LaidOut{"TransposedToAResidual", residual_trunk, across},
        LaidOut{"TransposedToAnIdentity", identity_trunk, across},
        LaidOut{"TransposedToFlatten", flat_trunk, across},
        LaidOut{"PartOfATable", identity_trunk, out_of_a_table},
        LaidOut{"PartOfATableToAResidual", residual_trunk, out_of_a_table},
        LaidOut{"Expanded", identity_trunk, one_row_often},
        LaidOut{"ExpandedToAResidual", residual_trunk, one_row_often}),
    [](const auto& each) { return each.param.name; });

// LibTorch turns integers to float there.
TEST(IntegersToATrunk, MayComeBeforeAnActivation) {
  const torch::nn::Sequential trunk(torch::nn::Tanh(), Linear(4, 4));
  const MultiTaskModel model = laid_out_model(trunk);
  const MultiTaskModel twin = testing::twin_of(model);
  const Batch batch(
      torch::randint(3, {20, 4}, torch::kLong),
      {{"a", torch::randn({20, 1})}, {"b", torch::randn({20, 1})}});
  JointTraining found(model, SGDOptions(0.1));
  JointTraining expected(
      twin, SGDOptions(0.1), JointTrainingOptions().route(Route::kAutograd));
  EXPECT_TRUE(
      torch::allclose(found.step(batch).losses, expected.step(batch).losses));
  EXPECT_THAT(found.route().reason, HasSubstr("nor indices"));
}

// Softsign: heads by their own graph.
TEST(RefusedByATrunk, LeavesNoGradientOfTheStepBefore) {
  const torch::nn::Sequential trunk(Linear(3, 4), torch::nn::Tanh());
  MultiTaskModel model{HardSharing(trunk)};
  const torch::nn::Sequential other(
      Linear(4, 3), torch::nn::Softsign(), Linear(3, 1));
  model->add_task("a", LinearTask(4, 1));
  model->add_task("b", Task(other, MSELoss()));
  JointTraining joint(model, SGDOptions(0.1));
  const auto batch_of = [](int64_t width) {
    return Batch(
        torch::randn({6, width}),
        {{"a", torch::randn({6, 1})}, {"b", torch::randn({6, 1})}});
  };
  joint.step(batch_of(3));
  EXPECT_EQ(joint.route().route, Route::kLayers);
  EXPECT_THAT(
      error_of([&] { joint.step(batch_of(5)); }), HasSubstr("the trunk"));
  for (const auto& parameter : model->parameters()) {
    EXPECT_FALSE(parameter.grad().defined());
  }
}

// What the module computes with is no longer what is registered and trained.
TEST(ReplacedMember, LeavesTheRegisteredParameterAlone) {
  for (const bool is_deep : {false, true}) {
    const torch::nn::Sequential trunk(Linear(3, 4), torch::nn::Tanh());
    MultiTaskModel model{HardSharing(trunk)};
    Linear last(4, 1);
    model->add_task(
        "a",
        is_deep
            ? Task(
                  torch::nn::Sequential(Linear(4, 4), torch::nn::Tanh(), last),
                  MSELoss())
            : Task(last, MSELoss()));
    model->add_task("b", LinearTask(4, 1));
    JointTraining joint(model, SGDOptions(0.1));
    const Batch batch(
        torch::randn({6, 3}),
        {{"a", torch::randn({6, 1})}, {"b", torch::randn({6, 1})}});
    joint.step(batch);
    const torch::Tensor registered = last->weight;
    last->weight = torch::randn({1, 4}).requires_grad_();
    const torch::Tensor before = registered.detach().clone();
    joint.step(batch);
    EXPECT_TRUE(torch::equal(before, registered));
    EXPECT_EQ(joint.route().route, Route::kLayers);
    EXPECT_THAT(joint.route().reason, HasSubstr("registered"));
  }
}

} // namespace
} // namespace polytask
