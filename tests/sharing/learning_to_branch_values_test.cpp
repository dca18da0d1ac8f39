// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/sharing/learning_to_branch.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include "tests/support/architecture.h"

namespace polytask {
namespace {

using testing::ArchitectureCase;
using torch::nn::Linear;
using torch::nn::Sequential;

// The file has the logits in one tensor, of whose six parts four are used.
ArchitectureCase with_single_logits(ArchitectureCase golden) {
  const auto all = golden.parameters.at("encoder.alpha");
  golden.parameters.erase("encoder.alpha");
  for (int64_t i = 0; i < 4; ++i) {
    const std::string name = "logits." + std::to_string(i);
    golden.parameters[name] = all[i + 1];
    golden.all["shared_parameters"].push_back(name);
  }
  return golden;
}

// LibMTL's stem and four layers.
LearningToBranch branching_as(const ArchitectureCase& golden) {
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
  return LearningToBranch(
      StageFactories{
          [=] { return Sequential(stem(), torch::nn::ReLU()); },
          [=] { return Sequential(first(), torch::nn::Tanh()); },
          [=] { return Sequential(second(), torch::nn::ReLU()); },
          [=] { return Sequential(third(), torch::nn::Tanh()); },
          [last = linear("resnet_layer.3.0.0")] { return Sequential(last()); }},
      golden.options["epochs"].get<int64_t>());
}

TEST(LearningToBranch, HasTheValuesOfLibMTL) {
  const auto rename = testing::renamed(
      {{"^logits", "sharing.logits"},
       {"^encoder\\.resnet_conv\\.(\\w+)\\.0", "sharing.columns.$1.0.0"},
       {"^encoder\\.resnet_layer\\.0\\.(\\d)\\.0",
        "sharing.columns.task$1.1.0"},
       {"^encoder\\.resnet_layer\\.1\\.(\\d)\\.0",
        "sharing.columns.task$1.2.0"},
       {"^encoder\\.resnet_layer\\.2\\.(\\d)\\.0",
        "sharing.columns.task$1.3.0"},
       {"^encoder\\.resnet_layer\\.3\\.(\\d)\\.0",
        "sharing.columns.task$1.4.0"},
       {"^decoders", "tasks"}});
  for (const auto& file : testing::architecture_cases("arch_LTB")) {
    const auto golden = with_single_logits(file);
    auto sharing = branching_as(golden);
    MultiTaskModel model(sharing);
    for (const auto& task : golden.tasks()) {
      const auto sizes =
          golden.parameters.at("decoders." + task + ".weight").sizes();
      model->add_task(task, Task(Linear(sizes[1], sizes[0]), MSELoss()));
    }
    testing::load_case(*model, golden, rename);
    for (int64_t i = 0; i < golden.options["epoch"].get<int64_t>(); ++i) {
      sharing->end_epoch();
    }
    if (golden.all.contains("uniform")) {
      EXPECT_DOUBLE_EQ(sharing->temperature(), golden.all["tau"].get<double>());
      const auto drawn =
          golden.all["uniform"]
              .get<std::vector<std::vector<std::vector<double>>>>();
      const auto tasks = static_cast<int64_t>(drawn[0].size());
      torch::Tensor uniforms = torch::empty({4, tasks, tasks}, torch::kDouble);
      for (int64_t i = 0; i < 4; ++i) {
        for (int64_t t = 0; t < tasks; ++t) {
          uniforms[i][t].copy_(torch::tensor(
              drawn[static_cast<size_t>(i) + 1][static_cast<size_t>(t)],
              torch::kDouble));
        }
      }
      sharing->set_uniforms(uniforms);
    }
    EXPECT_EQ(sharing->is_warming_up(), !golden.all.contains("uniform"));
    const auto outputs = model->forward(golden.input);
    testing::expect_outputs(golden, outputs);
    testing::expect_gradients(golden, *model, rename, outputs);
  }
}

} // namespace
} // namespace polytask
