// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/epnet.h>

#include <gtest/gtest.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/linear.h>

#include <sstream>

#include "tests/support/architecture.h"
#include "tests/support/errors.h"
#include "tests/support/model_checks.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

TEST(EPNet, HasTheValuesOfAnotherImplementation) {
  for (const auto& golden : testing::architecture_cases("arch_EPNet")) {
    const auto& options = golden.options;
    EPNet gate(EPNetOptions(options["input_dim"], options["prior_dim"])
                   .gate_width(options["gate_hidden_dim"].get<int64_t>())
                   .gamma(options["gamma"]));
    const auto rename = testing::renamed(
        {{"gate\\.0", "gate.hidden"}, {"gate\\.1", "gate.output"}});
    testing::load_case(*gate, golden, rename);
    const auto input = golden.input.clone().requires_grad_(true);
    const auto prior = golden.tensor("prior").requires_grad_(true);
    torch::OrderedDict<std::string, torch::Tensor> outputs;
    outputs.insert(
        "embedding", gate->forward({{"input", input}, {"prior", prior}}));
    testing::expect_outputs(golden, outputs);
    testing::expect_gradients(
        golden, *gate, rename, outputs, {{"input", input}, {"prior", prior}});
  }
}

Inputs epnet_inputs(int64_t rows = 6) {
  return {
      {"x", torch::randn({rows, 4})},
      {"other", torch::randn({rows, 9})},
      {"domain", torch::randn({rows, 3})}};
}

EPNetOptions named_epnet() {
  return EPNetOptions(4, 3).input_name("x").prior_name("domain");
}

MultiTaskModel epnet_model() {
  MultiTaskModel model{HardSharing(torch::nn::Sequential(
      EPNet(named_epnet()), torch::nn::Linear(4, 8), torch::nn::Tanh()))};
  model->add_task("a b", Task(torch::nn::Linear(8, 1), MSELoss()));
  model->add_task("class", Task(torch::nn::Linear(8, 2), MSELoss()));
  return model;
}

TEST(EPNet, IsTheFirstLayerOfATrunk) {
  testing::expect_one_task_as_all(epnet_model(), epnet_inputs());
  testing::expect_used_parameters(epnet_model(), epnet_inputs());
}

TEST(EPNet, IsClonedDeeply) {
  testing::expect_deep_clone(epnet_model(), epnet_inputs());
}

TEST(EPNet, IsSavedAndLoaded) {
  testing::expect_saved_and_loaded(
      epnet_model(), epnet_model(), epnet_inputs());
}

TEST(EPNet, LearnsTogetherAndInTurn) {
  const auto inputs = epnet_inputs(40);
  const auto goal = (inputs["x"] * inputs["domain"].narrow(1, 0, 1)).tanh();
  const Batch batch(
      inputs, {{"a b", goal.narrow(1, 0, 1)}, {"class", goal.narrow(1, 1, 2)}});
  testing::expect_learns(epnet_model(), batch);
  testing::expect_learns_in_turn(epnet_model(), batch, "class");
}

TEST(EPNet, ReadsThePriorLastIfItIsTold) {
  EPNet first(named_epnet()), last(named_epnet().prior_first(false));
  const auto inputs = epnet_inputs();
  {
    const torch::NoGradGuard no_grad;
    for (size_t i = 0; i < 4; ++i) {
      last->parameters()[i].copy_(first->parameters()[i]);
    }
    const auto weight = first->parameters()[0]; // [4, 3 + 4]
    last->parameters()[0].copy_(
        torch::cat({weight.narrow(1, 3, 4), weight.narrow(1, 0, 3)}, 1));
  }
  EXPECT_TRUE(torch::allclose(first->forward(inputs), last->forward(inputs)));
}

TEST(EPNet, RefusesWhatDoesNotFit) {
  EXPECT_TRUE(says(
      error_of([] { EPNet(EPNetOptions(0, 2)); }),
      {"EPNet: expected in_features of at least 1", "0"}));
  EXPECT_TRUE(says(
      error_of([] { EPNet(EPNetOptions(2, 2).gate_width(0)); }),
      {"gate_width"}));
  EXPECT_TRUE(says(
      error_of([] { EPNet(EPNetOptions(2, 2).gamma(-1)); }),
      {"EPNet", "gamma", "-1"}));
  EXPECT_TRUE(says(
      error_of([] { EPNet(EPNetOptions(2, 2).prior_name("input")); }),
      {"both called 'input'"}));
  EPNet gate(EPNetOptions(4, 3));
  EXPECT_TRUE(says(
      error_of([&] { gate->forward(torch::zeros({2, 4})); }),
      {"EPNet: expected the inputs 'input' and 'prior'", "[2, 4]"}));
  EXPECT_TRUE(says(
      error_of([&] {
        gate->forward(
            {{"input", torch::zeros({2, 4})}, {"prior", torch::zeros({2, 4})}});
      }),
      {"expected 'prior' of shape [B, 3]", "[2, 4]"}));
}

TEST(EPNet, PrintsAConstructorCall) {
  std::ostringstream text;
  EPNet(EPNetOptions(4, 3))->pretty_print(text);
  EXPECT_EQ(
      text.str(), "polytask::EPNet(in_features=4, prior_features=3, gamma=2)");
}

} // namespace
} // namespace polytask
