// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/sharing/cross_stitch.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include "tests/support/architecture.h"

namespace polytask {
namespace {

using testing::ArchitectureCase;
using torch::nn::Linear;
using torch::nn::Sequential;

CrossStitch stitched_as(const ArchitectureCase& golden) {
  const auto& options = golden.options;
  const auto dims =
      options["stage_dims"].get<std::vector<std::vector<int64_t>>>();
  const bool after_last = options["stitch_after_last"];
  StageFactories stages;
  std::vector<int64_t> channels;
  int64_t inputs = options["input_dim"];
  for (const auto& widths : dims) {
    stages.emplace_back(
        [=] { return testing::rectified_layers(inputs, widths); });
    inputs = widths.back();
    channels.push_back(inputs);
  }
  channels.resize(dims.size() - (after_last ? 0 : 1));
  if (!options["per_channel"].get<bool>()) {
    channels.clear();
  }
  return CrossStitch(
      stages,
      CrossStitchOptions()
          .initial_same(options["initial_same"])
          .per_channel(channels)
          .stitch_after_last(after_last));
}

TEST(CrossStitch, HasTheValuesOfThePapersUnits) {
  const auto rename = testing::renamed(
      {{"^stages\\.(\\d+)\\.(\\w+)\\.0\\.", "sharing.columns.$2.$1.0."},
       {"^stitch", "sharing.stitches"},
       {"^heads\\.(\\w+)\\.0\\.", "tasks.$1.0."},
       {"^heads\\.(\\w+)\\.1\\.", "tasks.$1.2."}});
  for (const auto& golden :
       testing::architecture_cases("arch_CrossStitch_paper")) {
    auto sharing = stitched_as(golden);
    MultiTaskModel model(sharing);
    const int64_t width = golden.options["stage_dims"].back().back();
    for (const auto& task : golden.tasks()) {
      model->add_task(
          task,
          Task(
              testing::tower(
                  width,
                  golden.options["head_dims"].get<std::vector<int64_t>>()),
              MSELoss()));
    }
    if (golden.options["at_initial_values"].get<bool>()) {
      for (size_t i = 0; i < sharing->stitches().size(); ++i) {
        const auto start = golden.parameters.at("stitch." + std::to_string(i));
        EXPECT_TRUE(torch::allclose(
            sharing->stitches()[i].to(torch::kDouble), start, 1e-6))
            << golden.name;
      }
    }
    testing::load_case(*model, golden, rename);
    auto input = golden.input.clone().requires_grad_();
    const auto outputs = model->forward(input);
    testing::expect_outputs(golden, outputs);
    testing::expect_gradients(
        golden, *model, rename, outputs, {{"input", input}});
  }
}

// The file has all units in one tensor, of which the last is not used.
ArchitectureCase with_single_units(ArchitectureCase golden) {
  const auto units = golden.parameters.at("encoder.cross_unit");
  golden.parameters.erase("encoder.cross_unit");
  for (int64_t i = 0; i < 3; ++i) {
    const std::string name = "unit." + std::to_string(i);
    golden.parameters[name] = units[i];
    golden.all["shared_parameters"].push_back(name);
  }
  return golden;
}

// LibMTL's ResNet stages, of which the stem and the first are one here.
StageFactories stages_of(const ArchitectureCase& golden) {
  const auto linear = [&](const std::string& name) {
    const auto sizes =
        golden.parameters.at("encoder." + name + ".weight").sizes();
    return [inputs = sizes[1], outputs = sizes[0]] {
      return Linear(inputs, outputs);
    };
  };
  const auto stem = linear("resnet_conv.task0.0");
  const auto first = linear("resnet_layer.0.0.0");
  const auto second = linear("resnet_layer.1.0.0");
  const auto third = linear("resnet_layer.2.0.0");
  const bool is_normalized = !golden.buffers.empty();
  return {
      [=] {
        Sequential layers{stem()};
        if (is_normalized) {
          layers->push_back(torch::nn::BatchNorm1d(
              layers->at<torch::nn::LinearImpl>(0).options.out_features()));
        } else {
          layers->push_back(torch::nn::Identity());
        }
        layers->push_back(torch::nn::ReLU());
        layers->push_back(first());
        layers->push_back(torch::nn::Tanh());
        return layers;
      },
      [=] { return Sequential(second(), torch::nn::ReLU()); },
      [=] { return Sequential(third(), torch::nn::Tanh()); },
      [last = linear("resnet_layer.3.0.0")] { return Sequential(last()); }};
}

TEST(CrossStitch, HasTheValuesOfLibMTL) {
  const auto rename = testing::renamed(
      {{"^unit", "sharing.stitches"},
       {"^encoder\\.resnet_conv\\.(\\w+)\\.(\\d)", "sharing.columns.$1.0.$2"},
       {"^encoder\\.resnet_layer\\.0\\.(\\d)\\.0",
        "sharing.columns.task$1.0.3"},
       {"^encoder\\.resnet_layer\\.(\\d)\\.(\\d)\\.0",
        "sharing.columns.task$2.$1.0"},
       {"^decoders", "tasks"}});
  for (const auto& file : testing::architecture_cases("arch_Cross_stitch")) {
    const auto golden = with_single_units(file);
    MultiTaskModel model(CrossStitch(
        stages_of(golden), CrossStitchOptions().stitch_after_last(false)));
    for (const auto& task : golden.tasks()) {
      const auto sizes =
          golden.parameters.at("decoders." + task + ".weight").sizes();
      model->add_task(task, Task(Linear(sizes[1], sizes[0]), MSELoss()));
    }
    for (const auto& [mode, expected] : golden.all["expected"].items()) {
      model->train(mode == "train");
      testing::load_case(*model, golden, rename);
      const auto outputs = model->forward(golden.input);
      testing::expect_outputs(golden, outputs, mode.c_str());
      testing::expect_gradients(
          golden, *model, rename, outputs, {}, mode.c_str());
    }
  }
}

} // namespace
} // namespace polytask
