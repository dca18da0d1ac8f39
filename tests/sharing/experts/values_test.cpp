// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/sharing/experts/adatt.h>
#include <polytask/sharing/experts/cgc.h>
#include <polytask/sharing/experts/dselect_k.h>
#include <polytask/sharing/experts/mmoe.h>
#include <polytask/sharing/experts/ple.h>
#include <polytask/sharing/experts/stem.h>
#include <polytask/task/losses/mse.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include "tests/support/architecture.h"

namespace polytask {
namespace {

using testing::ArchitectureCase;
using testing::Rename;

// LibMTL's: relu(fc2(tanh(fc1(x)))).
NetworkFactory encoder_of(
    const ArchitectureCase& golden, const std::string& name) {
  const auto first = golden.parameters.at(name + ".fc1.weight").sizes().vec();
  const auto second = golden.parameters.at(name + ".fc2.weight").sizes().vec();
  return [first, second] {
    return torch::nn::Sequential(
        torch::nn::Linear(first[1], first[0]),
        torch::nn::Tanh(),
        torch::nn::Linear(second[1], second[0]),
        torch::nn::ReLU());
  };
}

NetworkFactory rectified(int64_t inputs, std::vector<int64_t> widths) {
  return [inputs, widths] { return testing::rectified_layers(inputs, widths); };
}

std::vector<std::pair<std::string, std::string>> encoder_rules() {
  return {{"fc1", "0"}, {"fc2", "2"}, {"^decoders", "tasks"}};
}

// Heads that are one linear layer, of the file's width.
void add_decoders(MultiTaskModel& model, const ArchitectureCase& golden) {
  for (const auto& task : golden.tasks()) {
    const auto& weight = golden.parameters.at("decoders." + task + ".weight");
    model->add_task(
        task,
        Task(torch::nn::Linear(weight.size(1), weight.size(0)), MSELoss()));
  }
}

std::vector<int64_t> widths_of(const nlohmann::json& list) {
  return list.get<std::vector<int64_t>>();
}

void add_towers(
    MultiTaskModel& model,
    const std::vector<std::string>& tasks,
    int64_t inputs,
    const ArchitectureCase& golden) {
  for (const auto& task : tasks) {
    model->add_task(
        task,
        Task(
            testing::tower(inputs, widths_of(golden.options["head_dims"])),
            MSELoss()));
  }
}

// Layers are numbered without their activations in the files of the second
// kind.
std::vector<std::pair<std::string, std::string>> level_rules() {
  return {
      {"^heads\\.(\\w+)\\.1\\.", "tasks.$1.2."},
      {"^heads\\.(\\w+)\\.0\\.", "tasks.$1.0."},
      {"(experts\\.\\w+\\.\\d+)\\.1\\.", "$1.2."},
      {"^levels", "sharing.levels"},
      {"\\.experts\\.shared\\.", ".shared_experts."},
      {"\\.experts\\.", ".task_experts."},
      {"\\.gates\\.shared\\.", ".shared_gate.logits."},
      {"\\.gates\\.(\\w+)\\.", ".gates.$1.logits."},
      {"logits\\.1\\.", "logits.2."}};
}

void expect_case(
    const ArchitectureCase& golden,
    MultiTaskModel& model,
    const Rename& rename,
    const std::vector<std::string>& unused = {}) {
  testing::load_case(*model, golden, rename, unused);
  const bool leaf = golden.all["expected"]["eval"].contains(
      "input_gradient_of_sum_of_squares");
  torch::Tensor input = golden.input.clone();
  input.requires_grad_(leaf);
  model->eval();
  const auto outputs = model->forward(input);
  testing::expect_outputs(golden, outputs);
  std::map<std::string, torch::Tensor> leaves;
  if (leaf) {
    leaves.emplace("input", input);
  }
  testing::expect_gradients(golden, *model, rename, outputs, leaves);
  for (const auto& task : model->task_names()) {
    EXPECT_TRUE(
        model->forward_task(input, task).allclose(outputs[task], 1e-12, 1e-12))
        << golden.name;
  }
}

TEST(MMoE, HasTheValuesOfAnotherImplementation) {
  for (const auto& golden : testing::architecture_cases("arch_MMoE")) {
    auto options =
        MMoEOptions(
            golden.input.size(1), encoder_of(golden, "experts_shared.0"))
            .experts(golden.options["num_experts"][0].get<int64_t>())
            .gates_are_shared(false);
    MultiTaskModel model{MMoE(options)};
    add_decoders(model, golden);
    auto rules = encoder_rules();
    rules.emplace_back("^experts_shared", "sharing.levels.0.shared_experts");
    rules.emplace_back(
        "^gate_specific\\.(\\w+)\\.0", "sharing.levels.0.gates.$1.logits");
    expect_case(golden, model, testing::renamed(rules));
    // LibMTL counts the experts alone as shared, too.
    EXPECT_EQ(
        model->shared_parameters().size(),
        golden.all["shared_parameters"].size());
  }
}

ExpertLevelOptions libmtl_level(
    int64_t inputs, NetworkFactory expert, const ArchitectureCase& golden) {
  const auto counts = widths_of(golden.options["num_experts"]);
  ExpertLevelOptions level(inputs, std::move(expert));
  level.shared_experts(counts[0]);
  ExpertCounts own;
  for (size_t t = 1; t < counts.size(); ++t) {
    own["task" + std::to_string(t - 1)] = counts[t];
  }
  return level.task_experts_of(own);
}

TEST(CGC, HasTheValuesOfAnotherImplementation) {
  for (const auto& golden : testing::architecture_cases("arch_CGC")) {
    MultiTaskModel model{
        CGC(CGCOptions(libmtl_level(
                           golden.input.size(1),
                           encoder_of(golden, "experts_shared.0"),
                           golden))
                .shared_first(true)
                .own_parts_are_shared(false))};
    add_decoders(model, golden);
    auto rules = encoder_rules();
    rules.emplace_back("^experts_shared", "sharing.levels.0.shared_experts");
    rules.emplace_back("^experts_specific", "sharing.levels.0.task_experts");
    rules.emplace_back(
        "^gate_specific\\.(\\w+)\\.0", "sharing.levels.0.gates.$1.logits");
    expect_case(golden, model, testing::renamed(rules));
    EXPECT_EQ(
        model->shared_parameters().size(),
        golden.all["shared_parameters"].size());
  }
}

// LibMTL's five stages: a stem and four layers, with other activations.
NetworkFactory stage_of(
    const ArchitectureCase& golden, size_t level, const std::string& name) {
  const auto sizes = golden.parameters.at(name + ".weight").sizes().vec();
  return [level, sizes]() -> Network {
    torch::nn::Sequential stage(torch::nn::Linear(sizes[1], sizes[0]));
    if (level == 0 || level == 2) {
      stage->push_back(torch::nn::ReLU());
    } else if (level < 4) {
      stage->push_back(torch::nn::Tanh());
    }
    return stage;
  };
}

TEST(PLE, HasTheValuesOfAnImplementationWithoutASharedPath) {
  for (const auto& golden : testing::architecture_cases("arch_PLE")) {
    std::vector<ExpertLevelOptions> levels;
    for (size_t l = 0; l < 5; ++l) {
      const std::string name =
          "encoder.shared_layer." + std::to_string(l) + ".0.0";
      levels.push_back(libmtl_level(
          golden.parameters.at(name + ".weight").size(1),
          stage_of(golden, l, name),
          golden));
    }
    MultiTaskModel model{
        PLE(PLEOptions(levels).shared_path(false).shared_first(true))};
    add_decoders(model, golden);
    auto rules = encoder_rules();
    rules.emplace_back(
        "^encoder\\.shared_layer\\.(\\d)", "sharing.levels.$1.shared_experts");
    rules.emplace_back(
        "^encoder\\.specific_layer\\.(\\d)", "sharing.levels.$1.task_experts");
    rules.emplace_back(
        "^encoder\\.gate_specific\\.(\\w+)\\.(\\d)\\.0",
        "sharing.levels.$2.gates.$1.logits");
    expect_case(golden, model, testing::renamed(rules));
  }
}

ExpertLevelOptions level_of(
    const ArchitectureCase& golden,
    int64_t inputs,
    const std::vector<int64_t>& widths) {
  ExpertLevelOptions level(inputs, rectified(inputs, widths));
  ExpertCounts own;
  const auto counts = widths_of(golden.options["num_task_experts"]);
  for (size_t t = 0; t < counts.size(); ++t) {
    own["task" + std::to_string(t)] = counts[t];
  }
  // All alike are said as one number, for what that decides.
  level.task_experts(counts[0]);
  return level.task_experts_of(own).shared_experts(
      golden.options["num_shared_experts"].get<int64_t>());
}

std::vector<ExpertLevelOptions> levels_of(
    const ArchitectureCase& golden, int64_t& inputs) {
  std::vector<ExpertLevelOptions> levels;
  inputs = golden.options["input_dim"].get<int64_t>();
  for (const auto& widths : golden.options["expert_dims"]) {
    levels.push_back(level_of(golden, inputs, widths_of(widths)));
    inputs = widths_of(widths).back();
  }
  return levels;
}

TEST(PLE, HasTheValuesOfImplementationsOfThePaper) {
  for (const auto& golden : testing::architecture_cases("arch_PLE_paper")) {
    int64_t width = 0;
    auto levels = levels_of(golden, width);
    const bool has_bias =
        golden.parameters.contains("levels.0.gates.task0.bias");
    for (auto& level : levels) {
      level.gate_bias(has_bias);
    }
    MultiTaskModel model{PLE(PLEOptions(levels))};
    const auto tasks = golden.tasks();
    add_towers(model, tasks, width, golden);
    const auto rename = testing::renamed(level_rules());
    if (golden.options["head_sigmoid"].get<bool>()) {
      testing::load_case(*model, golden, rename);
      auto outputs = model->forward(golden.input);
      for (auto& output : outputs) {
        output.value() = torch::sigmoid(output.value());
      }
      testing::expect_outputs(golden, outputs);
      testing::expect_gradients(golden, *model, rename, outputs);
      continue;
    }
    expect_case(golden, model, rename);
  }
}

TEST(AdaTT, HasTheValuesOfTheAuthors) {
  for (const auto& golden : testing::architecture_cases("arch_AdaTT")) {
    int64_t width = 0;
    MultiTaskModel model{AdaTT(
        AdaTTOptions(levels_of(golden, width))
            .own_residual(golden.options["native_residual"].get<bool>()))};
    add_towers(model, golden.tasks(), width, golden);
    auto rules = level_rules();
    rules.emplace_back("\\.native\\.shared$", ".shared_own_weights");
    rules.emplace_back("\\.native\\.", ".own_weights.");
    expect_case(golden, model, testing::renamed(rules));
  }
}

TEST(STEM, HasTheValuesAndTheStoppedGradientsOfTheAuthors) {
  for (const auto& golden : testing::architecture_cases("arch_STEM")) {
    const auto count = [&](const char* name) {
      return golden.options[name].get<int64_t>();
    };
    const auto widths = widths_of(golden.options["expert_dims"]);
    std::vector<ExpertLevelOptions> levels;
    int64_t inputs = count("input_dim");
    for (int64_t l = 0; l < count("num_levels"); ++l) {
      levels.push_back(
          ExpertLevelOptions(inputs, rectified(inputs, widths))
              .shared_experts(count("num_shared_experts"))
              .task_experts(count("num_task_experts"))
              .gate_hidden(widths_of(golden.options["gate_dims"])));
      inputs = widths.back();
    }
    MultiTaskModel model{STEM(STEMOptions(levels))};
    add_towers(model, golden.tasks(), inputs, golden);
    const auto rename = testing::renamed(level_rules());
    auto rules = level_rules();
    // A gate of one layer is listed as a list of one.
    if (widths_of(golden.options["gate_dims"]).empty()) {
      rules.emplace_back("logits\\.0\\.", "logits.");
    }
    const Rename name = testing::renamed(rules);
    testing::load_case(*model, golden, name);
    const torch::Tensor all = golden.input.clone().requires_grad_();
    std::vector<Inputs::Named> inputs_of;
    for (size_t t = 0; t < model->task_names().size(); ++t) {
      inputs_of.emplace_back(
          model->task_names()[t], all.select(1, static_cast<int64_t>(t)));
    }
    inputs_of.emplace_back("shared", all.select(1, all.size(1) - 1));
    const auto outputs = model->forward(Inputs(inputs_of));
    testing::expect_outputs(golden, outputs);
    testing::expect_gradients(golden, *model, name, outputs, {{"input", all}});
  }
}

TEST(DSelectK, HasTheValuesOfAnotherImplementation) {
  for (const auto& golden : testing::architecture_cases("arch_DSelect_k")) {
    const int64_t experts = golden.options["num_experts"][0].get<int64_t>();
    MultiTaskModel model{DSelectK(
        DSelectKOptions(
            golden.input.size(1), encoder_of(golden, "experts_shared.0"))
            .experts(experts)
            .nonzeros(golden.options["num_nonzeros"].get<int64_t>())
            .gates_are_shared(false))};
    add_decoders(model, golden);
    auto rules = encoder_rules();
    rules.emplace_back("^experts_shared", "sharing.levels.0.shared_experts");
    rules.emplace_back(
        "^_z_logits\\.(\\w+)", "sharing.levels.0.gates.$1.digits");
    rules.emplace_back(
        "^_w_logits\\.(\\w+)", "sharing.levels.0.gates.$1.selectors");
    const Rename rename = testing::renamed(rules);
    expect_case(golden, model, rename);
    // What its forward sends backward is this loss, of the last task alone.
    model->train();
    const auto outputs = model->forward(golden.input);
    testing::expect_outputs(golden, outputs, "train");
    const auto last = static_cast<int64_t>(model->size()) - 1;
    const torch::Tensor loss = model->sharing().own_loss({last});
    const auto parameters = model->named_parameters();
    for (const auto& [name, value] :
         golden.all["expected"]["train"]["regulariser_gradients"].items()) {
      const torch::Tensor expected = testing::tensor_of(value);
      const torch::Tensor gradient = torch::autograd::grad(
          {loss}, {parameters[rename(name)]}, {}, true)[0];
      EXPECT_TRUE(gradient.allclose(expected, 1e-10, 1e-13))
          << golden.name << ' ' << name;
    }
  }
}

} // namespace
} // namespace polytask
