// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/sharing/mtan.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/pooling.h>

#include "tests/support/architecture.h"

namespace polytask {
namespace {

using testing::ArchitectureCase;
using torch::nn::Conv2d;
using torch::nn::Conv2dOptions;
using torch::nn::Sequential;
using torch::nn::Tanh;

Conv2d pointwise(const ArchitectureCase& golden, const std::string& name) {
  const auto sizes =
      golden.parameters.at("encoder.shared_layer." + name + ".conv.weight")
          .sizes();
  return Conv2d(Conv2dOptions(sizes[1], sizes[0], 1));
}

MTAN attention_as(const ArchitectureCase& golden) {
  const auto stem =
      golden.parameters.at("encoder.shared_conv.0.weight").sizes();
  std::vector<MTANStage> stages;
  for (int64_t i = 0; i < 4; ++i) {
    const std::string stage = std::to_string(i);
    Sequential first;
    if (i == 0) {
      first->push_back(
          Conv2d(Conv2dOptions(stem[1], stem[0], 3).padding(1).bias(false)));
      first->push_back(torch::nn::BatchNorm2d(stem[0]));
      first->push_back(torch::nn::ReLU());
    } else if (i == 1) {
      first->push_back(torch::nn::AvgPool2d(2));
    }
    const auto before = pointwise(golden, stage + (i == 1 ? ".0.0.1" : ".0.0"));
    first->push_back(before);
    first->push_back(Tanh());
    const auto after = pointwise(golden, stage + ".1");
    stages.emplace_back(
        first,
        Sequential(after, Tanh()),
        before->options.out_channels(),
        after->options.out_channels());
  }
  return MTAN(stages);
}

TEST(MTAN, HasTheValuesOfLibMTL) {
  const auto rename = testing::renamed({
      {"^decoders\\.(\\w+)\\.2", "tasks.$1.2"},
      {"^encoder\\.shared_conv\\.", "sharing.stages.0.first."},
      {"^encoder\\.shared_layer\\.0\\.0\\.0\\.conv",
       "sharing.stages.0.first.3"},
      {"^encoder\\.shared_layer\\.1\\.0\\.0\\.1\\.conv",
       "sharing.stages.1.first.1"},
      {"^encoder\\.shared_layer\\.(\\d)\\.0\\.0\\.conv",
       "sharing.stages.$1.first.0"},
      {"^encoder\\.shared_layer\\.(\\d)\\.1\\.conv",
       "sharing.stages.$1.second.0"},
      {"^encoder\\.encoder_att\\.(\\d)\\.(\\d)\\.",
       "sharing.attention.task$2.$1."},
      {"^encoder\\.encoder_block_att\\.(\\d)\\.conv1",
       "sharing.blocks.$1.layers.0"},
      {"^encoder\\.encoder_block_att\\.(\\d)\\.bn1",
       "sharing.blocks.$1.layers.1"},
      {"^encoder\\.encoder_block_att\\.(\\d)\\.conv2",
       "sharing.blocks.$1.layers.3"},
      {"^encoder\\.encoder_block_att\\.(\\d)\\.bn2",
       "sharing.blocks.$1.layers.4"},
      {"^encoder\\.encoder_block_att\\.(\\d)\\.downsample",
       "sharing.blocks.$1.shortcut"},
  });
  for (const auto& golden : testing::architecture_cases("arch_MTAN")) {
    MultiTaskModel model(attention_as(golden));
    for (const auto& task : golden.tasks()) {
      const auto sizes =
          golden.parameters.at("decoders." + task + ".2.weight").sizes();
      model->add_task(
          task,
          Task(
              Sequential(
                  torch::nn::AdaptiveAvgPool2d(1),
                  torch::nn::Flatten(),
                  torch::nn::Linear(sizes[1], sizes[0])),
              MSELoss()));
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
