// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/linear.h>

#include "tests/support/architecture.h"

namespace polytask {
namespace {

TEST(HardSharing, HasTheValuesOfAnotherImplementation) {
  for (const auto& golden : testing::architecture_cases("arch_HPS")) {
    const int64_t inputs = golden.input.size(1);
    const int64_t hidden = golden.parameters.at("encoder.fc1.weight").size(0);
    const int64_t width = golden.parameters.at("encoder.fc2.weight").size(0);
    torch::nn::Sequential trunk(
        torch::nn::Linear(inputs, hidden),
        torch::nn::Tanh(),
        torch::nn::Linear(hidden, width),
        torch::nn::ReLU());
    MultiTaskModel model(trunk);
    for (const auto& task : golden.tasks()) {
      model->add_task(
          task,
          Task(
              torch::nn::Linear(
                  width,
                  golden.parameters.at("decoders." + task + ".weight").size(0)),
              MSELoss()));
    }
    const auto rename = testing::renamed(
        {{"encoder\\.fc1", "sharing.trunk.0"},
         {"encoder\\.fc2", "sharing.trunk.2"},
         {"decoders", "tasks"}});
    testing::load_case(*model, golden, rename);
    const auto outputs = model->forward(golden.input);
    testing::expect_outputs(golden, outputs);
    testing::expect_gradients(golden, *model, rename, outputs);
  }
}

} // namespace
} // namespace polytask
