// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/task_lora_layer.h>

#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/architecture.h"
#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

TaskLoRAMode golden_lora_mode(const std::string& name) {
  if (name == "matrixv2") {
    return TaskLoRAMode::kMatrixV2;
  }
  if (name == "addition") {
    return TaskLoRAMode::kAddition;
  }
  return name == "matrix" ? TaskLoRAMode::kMatrix : TaskLoRAMode::kLoRAOnly;
}

TaskLoRALayer golden_lora_layer(const testing::ArchitectureCase& golden) {
  const auto& given = golden.options;
  std::vector<LoRATaskOptions> tasks;
  for (size_t i = 0; i < given["num_tasks"].get<size_t>(); ++i) {
    tasks.push_back(
        LoRATaskOptions("task" + std::to_string(i), given["rank_tasks"][i])
            .scale(given["task_scales"][i]));
  }
  return TaskLoRALayer(
      torch::nn::Linear(
          torch::nn::LinearOptions(given["input_dim"], given["output_dim"])
              .bias(given["bias"])),
      TaskLoRALayerOptions()
          .mode(golden_lora_mode(given["mode"]))
          .shared_rank(given["rank_shared"])
          .shared_scale(given["shared_scale"])
          .tasks(tasks)
          .trainable_scales(given["trainable_scales"]));
}

const testing::Rename kGoldenLoRAName =
    testing::renamed({{"^(weight|bias)$", "base.$1"}});

TEST(TaskLoRALayer, HasTheValuesOfAnotherImplementation) {
  for (const auto& golden : testing::architecture_cases("arch_TaskLoRA")) {
    auto layer = golden_lora_layer(golden);
    testing::load_case(*layer, golden, kGoldenLoRAName);
    const auto input = golden.input.clone().requires_grad_(true);
    std::vector<torch::Tensor> task_inputs;
    if (golden.all.contains("task_inputs")) {
      for (const auto& [task, value] : golden.all["task_inputs"].items()) {
        task_inputs.push_back(testing::tensor_of(value));
      }
    }
    const auto all = layer->outputs(input, task_inputs);
    auto outputs = all.tasks;
    outputs.insert("shared", all.shared);
    testing::expect_outputs(golden, outputs);
    testing::expect_gradients(
        golden, *layer, kGoldenLoRAName, outputs, {{"input", input}});
    EXPECT_TRUE(torch::equal(layer->forward(input), all.shared));
    size_t i = 0;
    for (const auto& output : all.tasks) {
      EXPECT_TRUE(torch::equal(
          layer->forward_task(
              input,
              output.key(),
              task_inputs.empty() ? torch::Tensor() : task_inputs[i]),
          output.value()));
      ++i;
    }
  }
}

TEST(TaskLoRALayer, MergesTheGoldenLayers) {
  for (const auto& golden : testing::architecture_cases("arch_TaskLoRA")) {
    auto layer = golden_lora_layer(golden);
    testing::load_case(*layer, golden, kGoldenLoRAName);
    const auto all = layer->outputs(golden.input);
    for (const auto& output : all.tasks) {
      EXPECT_TRUE(torch::allclose(
          layer->merge(output.key()).forward(golden.input),
          output.value(),
          1e-12,
          1e-12));
    }
    if (layer->options().mode() != TaskLoRAMode::kAddition) {
      EXPECT_TRUE(torch::allclose(
          layer->merge().forward(golden.input), all.shared, 1e-12, 1e-12));
    } else {
      EXPECT_TRUE(says(
          error_of([&] { layer->merge(); }),
          {"kAddition", "cannot be merged"}));
    }
  }
}

TaskLoRALayerOptions two_lora_tasks() {
  return TaskLoRALayerOptions()
      .mode(TaskLoRAMode::kMatrixV2)
      .tasks({{"a b", 2}, {"class", 1}})
      .trainable_scales(true);
}

void draw_changes(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : module.named_parameters()) {
    if (parameter.key().ends_with(".B")) {
      parameter.value().normal_();
    }
  }
}

class LoRAConvolution
    : public ::testing::TestWithParam<torch::nn::Conv2dOptions> {};

TEST_P(LoRAConvolution, IsThatOfTheMergedWeight) {
  TaskLoRALayer layer(torch::nn::Conv2d(GetParam()), two_lora_tasks());
  layer->to(torch::kDouble);
  const auto x = torch::randn({2, 4, 9, 8}, torch::kDouble);
  EXPECT_TRUE(
      torch::equal(layer->forward_task(x, "class"), layer->base().forward(x)));
  draw_changes(*layer);
  const auto all = layer->outputs(x);
  EXPECT_FALSE(torch::allclose(all.shared, layer->base().forward(x)));
  EXPECT_TRUE(
      torch::allclose(all.shared, layer->merge().forward(x), 1e-12, 1e-12));
  EXPECT_TRUE(torch::allclose(
      all.tasks["class"], layer->merge("class").forward(x), 1e-12, 1e-12));
}

INSTANTIATE_TEST_SUITE_P(
    Forms,
    LoRAConvolution,
    ::testing::Values(
        torch::nn::Conv2dOptions(4, 6, 3),
        torch::nn::Conv2dOptions(4, 6, {3, 2})
            .stride({2, 1})
            .padding({1, 0})
            .dilation({1, 2})
            .bias(false),
        torch::nn::Conv2dOptions(4, 6, 3).padding(torch::kSame),
        torch::nn::Conv2dOptions(4, 6, 3).groups(2).padding(1),
        torch::nn::Conv2dOptions(4, 4, 3).groups(4)));

TEST(TaskLoRALayer, IsClonedDeeply) {
  TaskLoRALayer layer(torch::nn::Linear(4, 3), two_lora_tasks());
  layer->to(torch::kDouble);
  draw_changes(*layer);
  layer->parameters()[0].requires_grad_(false);
  const auto copy =
      std::dynamic_pointer_cast<TaskLoRALayerImpl>(layer->clone());
  const auto copies = copy->named_parameters();
  for (const auto& parameter : layer->named_parameters()) {
    const auto& own = copies[parameter.key()];
    EXPECT_TRUE(torch::equal(own, parameter.value()));
    EXPECT_NE(own.data_ptr(), parameter.value().data_ptr());
    EXPECT_EQ(own.requires_grad(), parameter.value().requires_grad());
  }
}

TEST(TaskLoRALayer, RefusesWhatDoesNotFit) {
  using torch::nn::Conv2d;
  using torch::nn::Conv2dOptions;
  using torch::nn::Linear;
  const auto refusal = [](const auto& base,
                          const TaskLoRALayerOptions& options) {
    return error_of([&] { TaskLoRALayer(base, options); });
  };
  const Linear linear(2, 2);
  EXPECT_TRUE(says(
      refusal(linear, TaskLoRALayerOptions()),
      {"TaskLoRALayer: expected at least one task"}));
  EXPECT_TRUE(says(
      refusal(linear, two_lora_tasks().mode(TaskLoRAMode::kLoRAOnly)),
      {"kLoRAOnly has no tasks", "'a b', 'class'"}));
  EXPECT_TRUE(says(
      refusal(linear, TaskLoRALayerOptions().tasks({{"a", 1}, {"a", 1}})),
      {"'a' comes twice"}));
  EXPECT_TRUE(says(
      refusal(linear, TaskLoRALayerOptions().tasks({{"a", 0}})),
      {"a rank of at least 1", "0"}));
  EXPECT_TRUE(says(
      refusal(linear, two_lora_tasks().shared_scale(NAN)), {"finite scale"}));
  EXPECT_TRUE(says(
      refusal(
          Conv2d(Conv2dOptions(2, 2, 3)),
          two_lora_tasks().mode(TaskLoRAMode::kAddition)),
      {"kAddition takes a Linear"}));
  EXPECT_TRUE(says(
      refusal(
          Conv2d(
              Conv2dOptions(2, 2, 3).padding(1).padding_mode(torch::kReflect)),
          two_lora_tasks()),
      {"TaskLoRALayer: the convolution pads with something else"}));
  TaskLoRALayer layer(linear, two_lora_tasks());
  EXPECT_TRUE(says(
      error_of([&] { layer->forward_task(torch::zeros({1, 2}), "b"); }),
      {"there is no task 'b'", "'a b', 'class'"}));
  EXPECT_TRUE(says(
      error_of([&] {
        layer->outputs(torch::zeros({1, 2}), {torch::zeros({1, 2})});
      }),
      {"an input for each of the 2 tasks, but got 1"}));
}

TEST(TaskLoRALayer, PrintsItsMode) {
  std::ostringstream text;
  TaskLoRALayer(torch::nn::Linear(2, 2), two_lora_tasks())->pretty_print(text);
  EXPECT_EQ(text.str(), "polytask::TaskLoRALayer(mode=kMatrixV2, tasks=2)");
}

} // namespace
} // namespace polytask
