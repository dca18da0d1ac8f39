// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/task_lora.h>

#include <gtest/gtest.h>
#include <polytask/sharing/residual.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/cloneable.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <sstream>

#include "tests/support/errors.h"
#include "tests/support/model_checks.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;
using torch::nn::Linear;
using torch::nn::ReLU;
using torch::nn::Sequential;
using torch::nn::Tanh;

// [B, 5] -> [B, 6], with names, a layer in place, and layers in a layer.
Sequential lora_trunk() {
  return Sequential(
      {{"first", Linear(5, 8)},
       {"act", ReLU(torch::nn::ReLUOptions(true))},
       {"block", Residual(Sequential(Linear(8, 7), Tanh(), Linear(7, 8)))},
       {"last", Linear(8, 6)}});
}

void add_lora_tasks(MultiTaskModel model) {
  for (const char* name : {"a b", "class", "\u00df"}) {
    model->add_task(name, Task(Linear(6, 1), MSELoss()));
  }
}

MultiTaskModel lora_model(TaskLoRAOptions options = TaskLoRAOptions(2)) {
  MultiTaskModel model{TaskLoRA(lora_trunk(), options)};
  add_lora_tasks(model);
  return model;
}

void draw_task_changes(MultiTaskModel model) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : model->named_parameters()) {
    if (parameter.key().ends_with(".B")) {
      parameter.value().normal_();
    }
  }
}

Batch lora_batch() {
  const auto x = torch::randn({40, 5});
  return {
      x,
      {{"a b", x.narrow(1, 0, 1)},
       {"class", x.narrow(1, 1, 1).tanh()},
       {"\u00df", x.narrow(1, 0, 1) - x.narrow(1, 2, 1)}}};
}

const std::vector<TaskLoRAOptions>& lora_variants() {
  static const std::vector<TaskLoRAOptions> variants{
      TaskLoRAOptions(2),
      TaskLoRAOptions(2).shared_rank(0).trainable_scales(true),
      TaskLoRAOptions(1).freezes_trunk(true).shared_rank(3).rank_of(
          {{"class", 3}}),
      TaskLoRAOptions(2).adapts(
          [](const std::string& place) { return place == "block.inner.2"; })};
  return variants;
}

TEST(TaskLoRA, BeginsWithTheTrunksFeatures) {
  for (const auto& options : lora_variants()) {
    MultiTaskModel model = lora_model(options);
    auto trunk = dynamic_cast<TaskLoRAImpl&>(model->sharing()).trunk();
    const auto x = torch::randn({4, 5});
    const auto expected = trunk->forward(x);
    for (const auto& features : model->features(x)) {
      EXPECT_TRUE(torch::equal(features.tensor(), expected));
    }
  }
}

TEST(TaskLoRA, AdaptsLayersInOtherLayers) {
  const auto adapted = [](const TaskLoRAOptions& options) {
    return TaskLoRA(lora_trunk(), options)->adapted();
  };
  using Places = std::vector<std::string>;
  EXPECT_EQ(
      adapted(lora_variants()[0]),
      (Places{"first", "block.inner.0", "block.inner.2", "last"}));
  EXPECT_EQ(adapted(lora_variants()[3]), (Places{"block.inner.2"}));
}

TEST(TaskLoRA, ComputesOneTaskAsAll) {
  for (const auto& options : lora_variants()) {
    MultiTaskModel model = lora_model(options);
    draw_task_changes(model);
    testing::expect_one_task_as_all(model, torch::randn({6, 5}));
    testing::expect_used_parameters(model, torch::randn({6, 5}));
  }
}

TEST(TaskLoRA, MergesATasksChangesIntoAPlainTrunk) {
  for (const auto& options : lora_variants()) {
    MultiTaskModel model = lora_model(options);
    model->to(torch::kDouble);
    draw_task_changes(model);
    const auto x = torch::randn({6, 5}, torch::kDouble);
    auto& lora = dynamic_cast<TaskLoRAImpl&>(model->sharing());
    const auto before = lora.trunk()->forward(x);
    for (const auto& name : model->task_names()) {
      auto merged = lora.merge(name);
      const auto features = model->features_of(x, model->index(name)).tensor();
      EXPECT_TRUE(torch::allclose(merged->forward(x), features, 1e-12, 1e-12));
      EXPECT_FALSE(torch::allclose(before, features));
      EXPECT_EQ(
          merged->named_parameters().keys(),
          lora.trunk()->named_parameters().keys());
    }
    EXPECT_TRUE(torch::equal(lora.trunk()->forward(x), before));
  }
}

MultiTaskModel convolutional_model() {
  MultiTaskModel model{TaskLoRA(
      Sequential(
          torch::nn::Conv2d(torch::nn::Conv2dOptions(2, 4, 3).padding(1)),
          torch::nn::BatchNorm2d(4),
          ReLU(),
          torch::nn::Conv2d(torch::nn::Conv2dOptions(4, 4, 3).groups(2)),
          torch::nn::Flatten(),
          Linear(4 * 4, 6)),
      TaskLoRAOptions(2))};
  add_lora_tasks(model);
  return model;
}

TEST(TaskLoRA, AdaptsConvolutions) {
  MultiTaskModel model = convolutional_model();
  model->to(torch::kDouble);
  draw_task_changes(model);
  model->eval();
  const auto x = torch::randn({3, 2, 4, 4}, torch::kDouble);
  auto& lora = dynamic_cast<TaskLoRAImpl&>(model->sharing());
  EXPECT_TRUE(torch::allclose(
      lora.merge("class")->forward(x),
      model->features_of(x, 1).tensor(),
      1e-12,
      1e-12));
  testing::expect_one_task_as_all(model, x);
  testing::expect_deep_clone(model, x);
  testing::expect_used_parameters(model, x);
}

// relu(x), in place, and a convolution that pads in a circle.
class InPlaceBlockImpl : public torch::nn::Cloneable<InPlaceBlockImpl> {
 public:
  InPlaceBlockImpl() {
    reset();
  }
  void reset() override {
    convolution = register_module(
        "convolution",
        torch::nn::Conv2d(
            torch::nn::Conv2dOptions(2, 2, 3).padding(1).padding_mode(
                torch::kCircular)));
  }
  torch::Tensor forward(torch::Tensor input) {
    TORCH_CHECK(input.size(2) == 4, "the block takes a height of 4");
    return convolution->forward(input.relu_());
  }
  torch::nn::Conv2d convolution{nullptr};
};
TORCH_MODULE(InPlaceBlock);

MultiTaskModel blocks_model() {
  MultiTaskModel model{TaskLoRA(
      Sequential(
          InPlaceBlock(),
          torch::nn::Conv2d(
              torch::nn::Conv2dOptions(2, 2, 3).padding(1).padding_mode(
                  torch::kReflect)),
          torch::nn::Flatten(),
          Linear(2 * 4 * 4, 6)),
      TaskLoRAOptions(1))};
  add_lora_tasks(model);
  return model;
}

TEST(TaskLoRA, AdaptsLayersOfBlocksThatWorkInPlace) {
  MultiTaskModel model = blocks_model();
  model->to(torch::kDouble);
  draw_task_changes(model);
  const auto x = torch::randn({3, 2, 4, 4}, torch::kDouble);
  const auto before = x.clone();
  auto& lora = dynamic_cast<TaskLoRAImpl&>(model->sharing());
  for (int round = 0; round < 2; ++round) {
    const auto all = model->features(x);
    for (int64_t i = 0; i < model->size(); ++i) {
      EXPECT_TRUE(torch::allclose(
          lora.merge(model->task_names()[static_cast<size_t>(i)])
              ->forward(x.clone()),
          all[static_cast<size_t>(i)].tensor(),
          1e-12,
          1e-12));
    }
  }
  EXPECT_TRUE(torch::equal(x, before));
  testing::expect_one_task_as_all(model, x);
  testing::expect_deep_clone(model, x);
  testing::expect_used_parameters(model, x);
}

TEST(TaskLoRA, PutsWeightsBackWhereABlockThrows) {
  MultiTaskModel model = blocks_model();
  draw_task_changes(model);
  const auto x = torch::randn({3, 2, 4, 4});
  const auto before = model->forward(x)["class"];
  EXPECT_TRUE(says(
      error_of([&] { model->forward(torch::randn({3, 2, 5, 4})); }),
      {"TaskLoRA", "a height of 4"}));
  EXPECT_TRUE(torch::equal(model->forward(x)["class"], before));
}

TEST(TaskLoRA, LeavesAnInputAloneThatTheTrunkWorksOnInPlace) {
  MultiTaskModel model{TaskLoRA(
      Sequential(ReLU(torch::nn::ReLUOptions(true)), Linear(5, 6)),
      TaskLoRAOptions(1))};
  add_lora_tasks(model);
  const auto x = torch::randn({4, 5});
  const auto before = x.clone();
  model->forward(x);
  model->forward(x);
  EXPECT_TRUE(torch::equal(x, before));
}

TEST(TaskLoRA, IsClonedDeeply) {
  for (const auto& options : lora_variants()) {
    MultiTaskModel model = lora_model(options);
    draw_task_changes(model);
    testing::expect_deep_clone(model, torch::randn({6, 5}));
    model->to(torch::kDouble);
    model->eval();
    testing::expect_deep_clone(model, torch::randn({6, 5}, torch::kDouble));
  }
}

TEST(TaskLoRA, IsSavedAndLoaded) {
  for (const auto& options : lora_variants()) {
    MultiTaskModel model = lora_model(options);
    draw_task_changes(model);
    testing::expect_saved_and_loaded(
        model, lora_model(options), torch::randn({6, 5}));
  }
}

TEST(TaskLoRA, LearnsTogetherAndInTurn) {
  for (const auto& options : lora_variants()) {
    testing::expect_learns(lora_model(options), lora_batch());
    testing::expect_learns_in_turn(lora_model(options), lora_batch(), "class");
  }
}

TEST(TaskLoRA, KeepsAFrozenTrunk) {
  MultiTaskModel model = lora_model(lora_variants()[2]);
  auto& lora = dynamic_cast<TaskLoRAImpl&>(model->sharing());
  const auto x = torch::randn({4, 5});
  const auto before = lora.trunk()->forward(x);
  testing::expect_learns(model, lora_batch());
  EXPECT_TRUE(torch::equal(lora.trunk()->forward(x), before));
  EXPECT_FALSE(torch::allclose(model->features_of(x, 0).tensor(), before));
}

TEST(TaskLoRA, TakesAFurtherTaskAsTheOthersAre) {
  MultiTaskModel model = lora_model();
  model->to(torch::kDouble);
  model->eval();
  Linear head(6, 1);
  head->to(torch::kDouble);
  model->add_task("late", Task(head, MSELoss()));
  const auto x = torch::randn({2, 5}, torch::kDouble);
  EXPECT_EQ(model->forward_task(x, "late").scalar_type(), torch::kDouble);
  for (const auto& module : model->sharing().modules()) {
    EXPECT_FALSE(module->is_training());
  }
}

TEST(TaskLoRA, RefusesWhatDoesNotFit) {
  const auto refusal = [](const Sequential& trunk,
                          const TaskLoRAOptions& options) {
    return error_of([&] { TaskLoRA(trunk, options); });
  };
  EXPECT_TRUE(says(
      refusal(Sequential(Tanh()), TaskLoRAOptions(2)),
      {"TaskLoRA: expected the trunk to have", "there is none"}));
  EXPECT_TRUE(says(
      refusal(lora_trunk(), TaskLoRAOptions(2).adapts([](const auto&) {
        return false;
      })),
      {"there is 'first', 'block.inner.0'"}));
  const Linear twice(5, 5);
  EXPECT_TRUE(says(
      refusal(Sequential(twice, twice), TaskLoRAOptions(2)),
      {"TaskLoRA: the layer '1' stands in the trunk before"}));
  EXPECT_TRUE(says(
      refusal(lora_trunk(), TaskLoRAOptions(0)),
      {"TaskLoRA: expected a rank of at least 1", "0"}));
  EXPECT_TRUE(says(
      refusal(lora_trunk(), TaskLoRAOptions(2).rank_of({{"class", -1}})),
      {"for task 'class'", "-1"}));
  EXPECT_TRUE(says(
      refusal(lora_trunk(), TaskLoRAOptions(2).scale(INFINITY)),
      {"finite scale"}));
  EXPECT_TRUE(
      says(refusal(Sequential{nullptr}, TaskLoRAOptions(2)), {"empty"}));
  MultiTaskModel model = lora_model();
  EXPECT_TRUE(says(
      error_of([&] { model->forward(torch::zeros({2, 7})); }),
      {"TaskLoRA: the trunk cannot take an input of shape [2, 7]"}));
  EXPECT_TRUE(says(
      error_of(
          [&] { dynamic_cast<TaskLoRAImpl&>(model->sharing()).merge("x"); }),
      {"TaskLoRA: there is no task 'x'", "'a b', 'class'"}));
}

TEST(TaskLoRA, GoesWhereAutogradGoesByAnyRoute) {
  testing::expect_routes_agree(lora_model(), lora_batch());
  testing::expect_routes_agree(lora_model(lora_variants()[2]), lora_batch());
}

TEST(TaskLoRA, PrintsAConstructorCall) {
  std::ostringstream text;
  lora_model()->sharing().pretty_print(text);
  EXPECT_EQ(
      text.str(), "polytask::TaskLoRA(rank=2, adapted=4, freezes_trunk=false)");
}

} // namespace
} // namespace polytask
