// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>
#include <polytask/optim/fused_adam.h>
#include <polytask/optim/fused_sgd.h>
#include <polytask/optim/make_optimizer.h>
#include <polytask/optim/row_wise_adagrad.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/lbfgs.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

#include <cmath>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::optim {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;
using torch::optim::Optimizer;

// One kind of options, what is made of it, and LibTorch's own kind.
struct OptimizerCase {
  std::string name;
  std::shared_ptr<torch::optim::OptimizerOptions> options;
  std::function<std::unique_ptr<Optimizer>(std::vector<torch::Tensor>)> own;
  std::function<bool(const Optimizer&)> is_that_kind;
};

std::ostream& operator<<(std::ostream& stream, const OptimizerCase& each) {
  return stream << each.name;
}

template <typename Kind, typename LibTorchs, typename Options>
OptimizerCase optimizer_case(std::string name, const Options& options) {
  return {
      std::move(name),
      std::make_shared<Options>(options),
      [options](std::vector<torch::Tensor> parameters) {
        return std::make_unique<LibTorchs>(std::move(parameters), options);
      },
      [](const Optimizer& made) {
        return dynamic_cast<const Kind*>(&made) != nullptr;
      }};
}

torch::Tensor parameter_to_step() {
  torch::manual_seed(11);
  return torch::randn({4}, torch::requires_grad());
}

void take_five_steps(Optimizer& optimizer, const torch::Tensor& parameter) {
  for (int step = 0; step < 5; ++step) {
    optimizer.zero_grad();
    (parameter - 1).pow(4).sum().backward();
    optimizer.step();
  }
}

std::string make_error(
    const std::vector<ParameterGroup>& groups,
    const torch::optim::OptimizerOptions& options) {
  return error_of([&] { make_optimizer(groups, options); });
}

class KnownOptimizer : public ::testing::TestWithParam<OptimizerCase> {};

TEST_P(KnownOptimizer, IsMadeFromItsOptions) {
  const auto made =
      make_optimizer({{{parameter_to_step()}, {}}}, *GetParam().options);
  EXPECT_TRUE(GetParam().is_that_kind(*made));
}

TEST_P(KnownOptimizer, TakesLibTorchsSteps) {
  const torch::Tensor parameter = parameter_to_step();
  const torch::Tensor twin = parameter_to_step();
  const torch::Tensor start = twin.detach().clone();
  const auto made = make_optimizer({{{parameter}, {}}}, *GetParam().options);
  const auto own = GetParam().own({twin});
  take_five_steps(*made, parameter);
  take_five_steps(*own, twin);
  EXPECT_TRUE(torch::allclose(parameter, twin, 1e-6, 1e-6));
  EXPECT_FALSE(torch::allclose(parameter, start, 1e-2, 1e-2));
}

TEST_P(KnownOptimizer, KeepsARateThatIsTheDefaultOfItsKind) {
  // 1e-3 and 1e-2 are the defaults of Adam, AdamW and of Adagrad, RMSprop.
  const auto made = make_optimizer(
      {{{parameter_to_step()}, 1e-3},
       {{parameter_to_step()}, 1e-2},
       {{parameter_to_step()}, {}}},
      *GetParam().options);
  ASSERT_EQ(made->param_groups().size(), 3u);
  EXPECT_EQ(made->param_groups()[0].options().get_lr(), 1e-3);
  EXPECT_EQ(made->param_groups()[1].options().get_lr(), 1e-2);
  EXPECT_EQ(made->param_groups()[2].options().get_lr(), 0.05);
}

TEST_P(KnownOptimizer, DoesNotDecayAGroupThatMustNot) {
  torch::Tensor decays = torch::ones({2}, torch::requires_grad());
  torch::Tensor stays = torch::ones({2}, torch::requires_grad());
  const auto made = make_optimizer(
      {{{decays}}, {{stays}, std::nullopt, /*decays=*/false}},
      *GetParam().options);
  decays.mutable_grad() = torch::zeros({2});
  stays.mutable_grad() = torch::zeros({2});
  made->step();
  EXPECT_EQ(stays[0].item<float>(), 1);
  EXPECT_EQ(made->param_groups()[1].options().get_lr(), 0.05);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds,
    KnownOptimizer,
    ::testing::Values(
        optimizer_case<FusedSGD, torch::optim::SGD>(
            "SGD",
            torch::optim::SGDOptions(0.05).momentum(0.9).weight_decay(0.1)),
        optimizer_case<FusedAdam, torch::optim::Adam>(
            "Adam",
            torch::optim::AdamOptions(0.05).betas({0.8, 0.9}).amsgrad(true)),
        optimizer_case<FusedAdamW, torch::optim::AdamW>(
            "AdamW", torch::optim::AdamWOptions(0.05).weight_decay(0.2)),
        optimizer_case<torch::optim::Adagrad, torch::optim::Adagrad>(
            "Adagrad", torch::optim::AdagradOptions(0.05).lr_decay(0.1)),
        optimizer_case<RowWiseAdagrad, torch::optim::Adagrad>(
            "RowWiseAdagrad", RowWiseAdagradOptions(0.05).weight_decay(0.1)),
        optimizer_case<torch::optim::RMSprop, torch::optim::RMSprop>(
            "RMSprop",
            torch::optim::RMSpropOptions(0.05).alpha(0.9).centered(true))),
    [](const auto& each) { return each.param.name; });

TEST(MakeOptimizer, GroupsDifferInTheirRateAlone) {
  const auto made = make_optimizer(
      {{{parameter_to_step()}, 0.5}, {{parameter_to_step()}, 0.25}},
      torch::optim::SGDOptions(0.1).momentum(0.9));
  for (const auto& group : made->param_groups()) {
    const auto& options =
        static_cast<const torch::optim::SGDOptions&>(group.options());
    EXPECT_EQ(options.momentum(), 0.9);
  }
}

TEST(MakeOptimizer, StepsEachGroupAtItsRate) {
  torch::Tensor fast = torch::zeros({1}, torch::requires_grad());
  torch::Tensor slow = torch::zeros({1}, torch::requires_grad());
  torch::Tensor still = torch::zeros({1}, torch::requires_grad());
  const auto made = make_optimizer(
      {{{fast}, 0.5}, {{slow}, {}}, {{still}, 0.0}},
      torch::optim::SGDOptions(0.1));
  (fast + slow + still).sum().backward();
  made->step();
  EXPECT_FLOAT_EQ(fast.item<float>(), -0.5f);
  EXPECT_FLOAT_EQ(slow.item<float>(), -0.1f);
  EXPECT_FLOAT_EQ(still.item<float>(), 0.0f);
}

TEST(MakeOptimizer, LeavesEmptyGroupsOut) {
  const auto made = make_optimizer(
      {{{}, 0.5}, {{parameter_to_step()}, 0.25}},
      torch::optim::SGDOptions(0.1));
  ASSERT_EQ(made->param_groups().size(), 1u);
  EXPECT_EQ(made->param_groups()[0].options().get_lr(), 0.25);
}

TEST(MakeOptimizer, RefusesToHaveNoParameter) {
  const torch::optim::SGDOptions options(0.1);
  EXPECT_TRUE(says(make_error({}, options), {"there is no parameter"}));
  EXPECT_TRUE(
      says(make_error({{{}, 0.5}}, options), {"there is no parameter"}));
}

TEST(MakeOptimizer, RefusesAParameterTwice) {
  const torch::Tensor parameter = parameter_to_step();
  const torch::optim::SGDOptions options(0.1);
  EXPECT_TRUE(says(
      make_error({{{parameter}, {}}, {{parameter}, 0.5}}, options),
      {"a parameter of shape [4] comes twice", "stepped twice"}));
  EXPECT_TRUE(says(
      make_error({{{parameter, parameter}, {}}}, options), {"comes twice"}));
}

TEST(MakeOptimizer, RefusesOtherKindsOfOptions) {
  EXPECT_TRUE(says(
      make_error({{{parameter_to_step()}, {}}}, torch::optim::LBFGSOptions(1)),
      {"expected options of SGD, Adam, AdamW, Adagrad, RMSprop or "
       "RowWiseAdagrad",
       "Construct another optimizer yourself"}));
}

class BadLearningRate : public ::testing::TestWithParam<double> {};

TEST_P(BadLearningRate, IsRefusedForAGroup) {
  EXPECT_TRUE(says(
      make_error(
          {{{parameter_to_step()}, GetParam()}}, torch::optim::SGDOptions(0.1)),
      {"make_optimizer: expected a finite learning rate of at least 0"}));
}

TEST_P(BadLearningRate, IsRefusedForAll) {
  EXPECT_TRUE(says(
      make_error(
          {{{parameter_to_step()}, {}}}, torch::optim::SGDOptions(GetParam())),
      {"make_optimizer: expected a finite learning rate of at least 0"}));
}

INSTANTIATE_TEST_SUITE_P(
    Rates, BadLearningRate, ::testing::Values(-0.1, NAN, INFINITY));

} // namespace
} // namespace polytask::optim
