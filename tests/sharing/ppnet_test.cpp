// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/ppnet.h>

#include <gtest/gtest.h>
#include <polytask/sharing/epnet.h>
#include <polytask/sharing/experts/cgc.h>
#include <polytask/sharing/preceded.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
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

TEST(PPNet, HasTheValuesOfOtherImplementations) {
  for (const auto& golden : testing::architecture_cases("arch_PPNet")) {
    const auto& given = golden.options;
    PPNetOptions options(
        given["input_dim"], given["prior_dim"], given["hidden_dims"]);
    options.gamma(given["gamma"])
        .prior_first(given["gate_input"] == "prior, input");
    if (!given["gate_hidden_dim"].is_null()) {
      options.gate_width(given["gate_hidden_dim"].get<int64_t>());
    }
    MultiTaskModel model{PPNet(options)};
    for (const auto& task : golden.tasks()) {
      model->add_task(
          task, Task(torch::nn::Linear(options.widths().back(), 1), MSELoss()));
    }
    const auto rename = testing::renamed(
        {{"^tasks", "sharing.tasks"},
         {"^heads", "tasks"},
         {"(gates\\.[0-9])\\.0", "$1.hidden"},
         {"(gates\\.[0-9])\\.1", "$1.output"}});
    testing::load_case(*model, golden, rename);
    const auto input = golden.input.clone().requires_grad_(true);
    const auto prior = golden.tensor("prior").requires_grad_(true);
    const auto outputs = model->forward({{"input", input}, {"prior", prior}});
    testing::expect_outputs(golden, outputs);
    testing::expect_gradients(
        golden, *model, rename, outputs, {{"input", input}, {"prior", prior}});
  }
}

Inputs ppnet_inputs(int64_t rows = 6) {
  return {
      {"input", torch::randn({rows, 4})}, {"prior", torch::randn({rows, 3})}};
}

void add_ppnet_tasks(MultiTaskModel model) {
  model->add_task("a b", Task(torch::nn::Linear(5, 1), MSELoss()));
  model->add_task("class", Task(torch::nn::Linear(5, 2), MSELoss()));
  model->add_task("\u00df", Task(torch::nn::Linear(5, 1), MSELoss()));
}

MultiTaskModel ppnet_model() {
  MultiTaskModel model{PPNet(PPNetOptions(4, 3, {6, 5}))};
  add_ppnet_tasks(model);
  return model;
}

// PEPNet.
MultiTaskModel pepnet_model() {
  MultiTaskModel model{Preceded(
      EPNet(EPNetOptions(4, 3)),
      PPNet(PPNetOptions(4, 3, {6, 5})),
      PrecededOptions().replaces("input"))};
  add_ppnet_tasks(model);
  return model;
}

Batch ppnet_batch() {
  const auto inputs = ppnet_inputs(40);
  const auto goal = (inputs["input"] * inputs["prior"].narrow(1, 0, 1)).tanh();
  return {
      inputs,
      {{"a b", goal.narrow(1, 0, 1)},
       {"class", goal.narrow(1, 1, 2)},
       {"\u00df", goal.narrow(1, 3, 1)}}};
}

TEST(PPNet, ComputesOneTaskAsAll) {
  testing::expect_one_task_as_all(ppnet_model(), ppnet_inputs());
  testing::expect_used_parameters(ppnet_model(), ppnet_inputs());
}

TEST(PPNet, SharesNothing) {
  EXPECT_TRUE(ppnet_model()->shared_parameters().empty());
}

TEST(PPNet, IsClonedDeeply) {
  MultiTaskModel model = ppnet_model();
  model->to(torch::kDouble);
  model->freeze("class");
  const auto inputs = ppnet_inputs();
  testing::expect_deep_clone(
      model, inputs.map([](const auto& x) { return x.to(torch::kDouble); }));
}

TEST(PPNet, IsSavedAndLoaded) {
  testing::expect_saved_and_loaded(
      ppnet_model(), ppnet_model(), ppnet_inputs());
}

TEST(PPNet, LearnsTogetherAndInTurn) {
  testing::expect_learns(ppnet_model(), ppnet_batch());
  testing::expect_learns_in_turn(ppnet_model(), ppnet_batch(), "class");
}

TEST(PPNet, TakesAFurtherTaskAsTheOthersAre) {
  MultiTaskModel model = ppnet_model();
  model->to(torch::kDouble);
  model->eval();
  torch::nn::Linear head(5, 1);
  head->to(torch::kDouble);
  model->add_task("late", Task(head, MSELoss()));
  for (const auto& parameter : model->sharing().parameters()) {
    EXPECT_EQ(parameter.scalar_type(), torch::kDouble);
  }
  for (const auto& module : model->sharing().modules()) {
    EXPECT_FALSE(module->is_training());
  }
  const auto clone_of_it = clone(model);
  EXPECT_EQ(clone_of_it->sharing().tasks().back(), "late");
}

TEST(PPNet, RefusesWhatDoesNotFit) {
  EXPECT_TRUE(says(
      error_of([] { PPNet(PPNetOptions(4, 3, {})); }),
      {"PPNet: expected the width of at least one layer"}));
  EXPECT_TRUE(says(
      error_of([] { PPNet(PPNetOptions(4, 3, {2, 0})); }),
      {"PPNet: expected widths of at least 1", "0"}));
  EXPECT_TRUE(says(
      error_of([] { PPNet(PPNetOptions(4, 0, {2})); }), {"prior_features"}));
  MultiTaskModel model = ppnet_model();
  EXPECT_TRUE(says(
      error_of([&] { model->forward(torch::zeros({2, 4})); }),
      {"PPNet: expected the inputs 'input' and 'prior'"}));
  EXPECT_TRUE(says(
      error_of([&] {
        model->forward_task(
            {{"input", torch::zeros({2, 5})}, {"prior", torch::zeros({2, 3})}},
            "class");
      }),
      {"PPNet: expected 'input' of shape [B, 4]", "[2, 5]"}));
}

TEST(PPNet, PrintsAConstructorCall) {
  std::ostringstream text;
  PPNet(PPNetOptions(4, 3, {6, 5}))->pretty_print(text);
  EXPECT_EQ(
      text.str(),
      "polytask::PPNet(in_features=4, prior_features=3, widths=[6, 5], "
      "gamma=2)");
}

TEST(Preceded, PutsANetworkBeforeAnotherSharing) {
  MultiTaskModel model = pepnet_model();
  const auto inputs = ppnet_inputs();
  auto& preceded = dynamic_cast<PrecededImpl&>(model->sharing());
  const auto scaled = preceded.first().forward(inputs);
  const Inputs inner{{"input", scaled}, {"prior", inputs["prior"]}};
  const auto features = preceded.inner().features_for(inner, 1);
  EXPECT_TRUE(
      torch::equal(features.tensor(), model->features_of(inputs, 1).tensor()));
  testing::expect_one_task_as_all(model, inputs);
  testing::expect_used_parameters(model, inputs);
}

TEST(Preceded, IsClonedSavedAndLoaded) {
  testing::expect_deep_clone(pepnet_model(), ppnet_inputs());
  testing::expect_saved_and_loaded(
      pepnet_model(), pepnet_model(), ppnet_inputs());
}

TEST(Preceded, ComputesNothingOfTasksThatAreLeftOut) {
  const auto expert = [] {
    return torch::nn::Sequential(
        torch::nn::Linear(4, 3), torch::nn::BatchNorm1d(3));
  };
  Preceded sharing(
      torch::nn::Linear(5, 4),
      CGC(ExpertLevelOptions(4, expert).shared_experts(0)));
  sharing->serve({"a", "b", "c"});
  sharing->features_for_some(torch::randn({6, 5}), {2, 0});
  const auto buffers = sharing->named_buffers();
  const std::string experts = "inner.levels.0.task_experts.";
  const std::string batches = ".0.1.num_batches_tracked";
  EXPECT_EQ(buffers[experts + "a" + batches].item<int64_t>(), 1);
  EXPECT_EQ(buffers[experts + "b" + batches].item<int64_t>(), 0);
  EXPECT_EQ(buffers[experts + "c" + batches].item<int64_t>(), 1);
}

TEST(Preceded, LearnsTogetherAndInTurn) {
  testing::expect_learns(pepnet_model(), ppnet_batch());
  testing::expect_learns_in_turn(pepnet_model(), ppnet_batch(), "a b");
}

TEST(Preceded, GivesTheOutputAloneIfNothingIsReplaced) {
  MultiTaskModel model{Preceded(
      EPNet(EPNetOptions(4, 3)), HardSharing(torch::nn::Linear(4, 5)))};
  add_ppnet_tasks(model);
  EXPECT_EQ(model->forward(ppnet_inputs())["class"].size(1), 2);
}

TEST(Preceded, GoesWhereAutogradGoesByAnyRoute) {
  testing::expect_routes_agree(pepnet_model(), ppnet_batch());
}

TEST(Preceded, RefusesWhatDoesNotFit) {
  EXPECT_TRUE(says(
      error_of([] {
        Preceded(torch::nn::Linear(4, 4), std::shared_ptr<Sharing>());
      }),
      {"polytask::Preceded: the inner sharing is empty"}));
  MultiTaskModel model{Preceded(
      EPNet(EPNetOptions(4, 3)),
      PPNet(PPNetOptions(4, 3, {6, 5})),
      PrecededOptions().replaces("x"))};
  add_ppnet_tasks(model);
  EXPECT_TRUE(says(
      error_of([&] { model->forward(ppnet_inputs()); }),
      {"Preceded: there is no input 'x' to replace", "'input', 'prior'"}));
  EXPECT_TRUE(says(
      error_of([&] { model->forward(torch::zeros({2, 4})); }),
      {"Preceded: the first network cannot take", "EPNet"}));
}

} // namespace
} // namespace polytask
