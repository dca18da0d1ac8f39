// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/model/esmm_tasks.h>

#include <gtest/gtest.h>
#include <polytask/task/heads/joined_heads.h>
#include <polytask/task/heads/probability_chain.h>
#include <polytask/task/losses/escm2.h>
#include <polytask/training/joint_training.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include "tests/support/architecture.h"
#include "tests/support/errors.h"
#include "tests/support/model_checks.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;
using FunnelStep = FunnelStepOptions;

torch::nn::Sequential golden_esmm_tower(
    const testing::ArchitectureCase& golden, const std::string& name) {
  const auto widths = golden.options["tower_dims"].get<std::vector<int64_t>>();
  auto layers = testing::rectified_layers(golden.input.size(1), widths);
  const bool has_bias = golden.parameters.contains(
      "towers." + name + "." + std::to_string(widths.size()) + ".bias");
  layers->push_back(torch::nn::Linear(
      torch::nn::LinearOptions(widths.back(), 1).bias(has_bias)));
  return layers;
}

std::string golden_esmm_name(const std::string& name) {
  // Layer i of a tower stands at 2i, with a ReLU between them.
  const auto parts = testing::renamed(
      {{"towers\\.ctr\\.", "tasks.ctr."}, {"towers\\.cvr\\.", "tasks.cvr."}})(
      name);
  const auto at = parts.find('.', 6) + 1;
  const auto end = parts.find('.', at);
  return parts.substr(0, at) +
      std::to_string(2 * std::stoi(parts.substr(at, end - at))) +
      parts.substr(end);
}

TEST(ESMMTasks, HaveTheValuesOfOtherImplementations) {
  for (const auto& golden : testing::architecture_cases("arch_ESMM")) {
    MultiTaskModel model;
    add_esmm_tasks(
        model,
        {FunnelStep("ctr", golden_esmm_tower(golden, "ctr")),
         FunnelStep("ctcvr", golden_esmm_tower(golden, "cvr"))
             .rate_task("cvr")});
    MultiTaskModel towers;
    towers->add_task("ctr", model->task("ctr"));
    towers->add_task("cvr", model->task("cvr"));
    testing::load_case(*towers, golden, golden_esmm_name);
    const auto input = golden.input.clone().requires_grad_(true);
    const auto logits = model->forward(input);
    torch::OrderedDict<std::string, torch::Tensor> outputs;
    for (const auto& logit : logits) {
      outputs.insert(logit.key(), torch::sigmoid(logit.value()));
    }
    testing::expect_outputs(golden, outputs);
    testing::expect_gradients(
        golden, *towers, golden_esmm_name, outputs, {{"input", input}});

    const auto label = [&](const char* name) {
      return torch::tensor(
                 golden.all["labels"][name].get<std::vector<double>>(),
                 torch::kDouble)
          .unsqueeze(1);
    };
    const Batch batch(
        golden.input,
        {{"ctr", label("click")}, {"ctcvr", label("conversion")}});
    JointTraining joint(model, torch::optim::SGDOptions(0.1));
    const auto losses = joint.backward(batch).losses;
    const auto& optimum = golden.all["optimum"];
    const double click = optimum["loss_ctr"].get<double>();
    const double conversion = optimum["loss_ctcvr"].get<double>();
    EXPECT_NEAR(losses[0].item<double>(), click, 1e-13 * click) << golden.name;
    EXPECT_NEAR(losses[1].item<double>(), conversion, 1e-13 * conversion)
        << golden.name;
    const auto parameters = towers->named_parameters();
    const auto& gradients = golden.all["expected"]["eval"]["gradient_of_loss"];
    for (const auto& [name, value] : gradients.items()) {
      const auto expected = testing::tensor_of(value);
      const auto own = parameters[golden_esmm_name(name)].grad();
      EXPECT_LE(
          (own.view_as(expected) - expected).abs().max().item<double>(),
          1e-11 + 1e-9 * expected.abs().max().item<double>())
          << golden.name << ' ' << name;
    }
  }
}

torch::nn::Sequential small_tower() {
  return testing::tower(6, {4});
}

MultiTaskModel funnel_model() {
  MultiTaskModel model{
      torch::nn::Sequential(torch::nn::Linear(5, 6), torch::nn::Tanh())};
  add_esmm_tasks(
      model,
      {{"a click", small_tower()},
       FunnelStep("class", small_tower()).rate_task("cart rate"),
       FunnelStep("\u00df", small_tower()).rate_task("buy_rate")});
  return model;
}

Batch funnel_batch(int64_t rows = 64) {
  const auto x = torch::randn({rows, 5});
  const auto click = (x.select(1, 0) > -0.3).to(torch::kFloat);
  const auto cart = click * (x.select(1, 1) > -0.3).to(torch::kFloat);
  const auto buy = cart * (x.select(1, 2) > -0.3).to(torch::kFloat);
  return {
      x,
      {{"a click", click.unsqueeze(1)},
       {"class", cart.unsqueeze(1)},
       {"\u00df", buy.unsqueeze(1)}}};
}

TEST(ESMMTasks, MultiplyTheRatesOfALongerFunnel) {
  MultiTaskModel model = funnel_model();
  model->to(torch::kDouble);
  const auto x = torch::randn({7, 5}, torch::kDouble);
  const auto of = [&](const char* name) {
    return torch::sigmoid(model->forward_task(x, name));
  };
  const auto product = of("a click") * of("cart rate") * of("buy_rate");
  EXPECT_TRUE(torch::allclose(of("\u00df"), product, 1e-13, 1e-13));
  EXPECT_TRUE(torch::allclose(
      of("class"), of("a click") * of("cart rate"), 1e-13, 1e-13));
}

TEST(ESMMTasks, TieTheTowersOfAFunnel) {
  const MultiTaskModel model = funnel_model();
  EXPECT_EQ(
      model->shared_parameters().size(), model->unique_parameters().size());
  EXPECT_TRUE(model->task_parameters("\u00df").empty());
  EXPECT_EQ(model->task("cart rate").weight(), 0);
}

TEST(ESMMTasks, AreClonedWithTheirTowersTied) {
  const MultiTaskModel model = funnel_model();
  testing::expect_deep_clone(model, torch::randn({3, 5}));
  const MultiTaskModel copy = clone(model);
  const auto chain = copy->task("\u00df").head().as<ProbabilityChain>();
  EXPECT_EQ(chain->steps()[0].module(), copy->task("a click").head().module());
  EXPECT_EQ(
      chain->steps()[1].module(), copy->task("cart rate").head().module());
}

TEST(ESMMTasks, AreSavedAndLoaded) {
  testing::expect_saved_and_loaded(
      funnel_model(), funnel_model(), torch::randn({3, 5}));
}

TEST(ESMMTasks, ComputeOneTaskAsAll) {
  testing::expect_one_task_as_all(funnel_model(), torch::randn({3, 5}));
}

TEST(ESMMTasks, LearnTogetherAndInTurn) {
  testing::expect_learns(funnel_model(), funnel_batch());
  testing::expect_learns_in_turn(funnel_model(), funnel_batch(), "class");
}

TEST(ESMMTasks, TeachTheRateWithoutALossOfItsOwn) {
  MultiTaskModel model = funnel_model();
  const auto before = model->task("buy_rate").head().clone();
  JointTraining(model, torch::optim::SGDOptions(0.1)).run(funnel_batch(), 2);
  EXPECT_FALSE(torch::equal(
      before.module()->parameters()[0],
      model->task("buy_rate").head().module()->parameters()[0]));
}

TEST(ESMMTasks, RefuseAFunnelAndAddNothing) {
  MultiTaskModel model = funnel_model();
  const auto size = model->size();
  const auto refusal = [&](const std::vector<FunnelStep>& steps) {
    const auto message = error_of([&] { add_esmm_tasks(model, steps); });
    EXPECT_EQ(model->size(), size);
    return message;
  };
  const auto tower = small_tower();
  EXPECT_TRUE(
      says(refusal({FunnelStep("x", tower)}), {"at least two steps", "1"}));
  EXPECT_TRUE(says(
      refusal({FunnelStep("x", tower), FunnelStep("class", small_tower())}),
      {"add_esmm_tasks", "'class' already"}));
  EXPECT_TRUE(says(
      refusal(
          {FunnelStep("x", tower),
           FunnelStep("y", small_tower()).rate_task("x")}),
      {"'x' already"}));
  EXPECT_TRUE(says(
      refusal({FunnelStep("x", tower), FunnelStep("y", tower)}),
      {"tower of step 'y'"}));
  EXPECT_TRUE(says(
      refusal(
          {FunnelStep("x", tower).rate_task("r"),
           FunnelStep("y", small_tower())}),
      {"first step, 'x', is its own rate", "'r'"}));
  EXPECT_TRUE(says(
      refusal({FunnelStep("", tower), FunnelStep("y", small_tower())}),
      {"needs a name"}));
  EXPECT_TRUE(says(
      refusal({FunnelStep("x", tower), FunnelStep("y.z", small_tower())}),
      {"'y.z' has a dot"}));
  EXPECT_TRUE(says(
      refusal(
          {FunnelStep("x", tower), FunnelStep("y", small_tower()).weight(-1)}),
      {"weight"}));
  EXPECT_TRUE(says(
      error_of([&] { add_esmm_tasks(MultiTaskModel{nullptr}, {}); }),
      {"the model is empty"}));
}

TEST(ESMMTasks, GoesWhereAutogradGoesByAnyRoute) {
  testing::expect_routes_agree(funnel_model(), funnel_batch());
}

TEST(ESCM2Loss, TrainsTowersThatAreTasksOfTheirOwn) {
  for (const auto mode :
       {ESCM2Mode::kIPS, ESCM2Mode::kIPSOverClicks, ESCM2Mode::kDR}) {
    MultiTaskModel model{
        torch::nn::Sequential(torch::nn::Linear(5, 6), torch::nn::Tanh())};
    const auto click = small_tower(), rate = small_tower();
    const Network joined = mode == ESCM2Mode::kDR
        ? Network(JoinedHeads(click, rate, small_tower()))
        : Network(JoinedHeads(click, rate));
    model->add_task(
        "escm2", {joined, ESCM2Loss(ESCM2LossOptions().mode(mode))});
    add_esmm_tasks(
        model,
        {FunnelStep("click", click).weight(0),
         FunnelStep("conversion", rate).rate_task("rate").weight(0)});
    const auto x = torch::randn({64, 5});
    const auto clicked = (x.select(1, 0) > -0.3).to(torch::kFloat);
    const auto bought = clicked * (x.select(1, 1) > -0.3).to(torch::kFloat);
    const Batch batch(x, {{"escm2", torch::stack({clicked, bought}, 1)}});
    testing::expect_deep_clone(model, x);
    testing::expect_learns(model, batch);
    const auto predicted = model->forward_task(x, "click").squeeze(1) > 0;
    EXPECT_GT(
        predicted.eq(clicked > 0).to(torch::kFloat).mean().item<double>(), 0.7);
  }
}

} // namespace
} // namespace polytask
