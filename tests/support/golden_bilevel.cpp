// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/golden_bilevel.h"

#include <polytask/balancing/make.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <nlohmann/json.hpp>

namespace polytask::testing {

using nlohmann::json;

namespace {

struct BilevelModel {
  explicit BilevelModel(const json& values)
      : layer(torch::nn::LinearOptions(
                  static_cast<int64_t>(values["W"][0].size()),
                  static_cast<int64_t>(values["W"].size()))
                  .bias(false)),
        model(HardSharing(torch::nn::Sequential(layer, torch::nn::Tanh()))) {
    const auto tasks = values["V"].size();
    for (size_t task = 0; task < tasks; ++task) {
      heads.push_back(torch::nn::Linear(values["W"].size(), 1));
      model->add_task(std::to_string(task), Task(heads.back(), MSELoss()));
    }
    model->to(torch::kDouble);
    torch::NoGradGuard no_grad;
    layer->weight.copy_(golden_tensor(values["W"]));
    for (size_t task = 0; task < tasks; ++task) {
      heads[task]->weight.copy_(golden_tensor(values["V"][task]).unsqueeze(0));
      heads[task]->bias.fill_(values["b"][task].get<double>());
    }
  }

  Outputs outputs() const {
    std::vector<at::Tensor> weights;
    std::vector<at::Tensor> biases;
    for (const auto& head : heads) {
      weights.push_back(head->weight.detach()[0]);
      biases.push_back(head->bias.detach()[0]);
    }
    return {
        {"W", layer->weight.detach().clone()},
        {"V", torch::stack(weights)},
        {"b", torch::stack(biases)}};
  }

  torch::nn::Linear layer;
  std::vector<torch::nn::Linear> heads;
  MultiTaskModel model;
};

Batch bilevel_batch(const json& step, const std::string& which) {
  const at::Tensor labels = golden_tensor(step[which + "_y"]);
  Batch::Targets targets;
  for (int64_t task = 0; task < labels.size(1); ++task) {
    targets.emplace_back(std::to_string(task), labels.narrow(1, task, 1));
  }
  return Batch(golden_tensor(step[which + "_x"]), targets);
}

std::vector<Outputs> drive_bilevel(const GoldenCase& golden) {
  auto options = golden.options;
  const double rate = *options.at("model_lr").number();
  options.erase("model_lr");
  const auto name = golden.method == "moml" ? "moml_libmtl" : golden.method;
  const BilevelModel made(golden.steps[0]["model"]);
  JointTraining joint(
      made.model,
      torch::optim::SGDOptions(rate),
      JointTrainingOptions().balancing(balancing::make(name, options)));
  auto& method = *joint.balancing();
  std::vector<Outputs> outputs;
  for (const json& step : golden.steps) {
    std::vector<Batch> batches;
    for (const char* which : {"inner", "outer", "all"}) {
      if (static_cast<int64_t>(batches.size()) < method.batches()) {
        batches.push_back(bilevel_batch(step, which));
      }
    }
    joint.step(batches);
    method.end_epoch();
    outputs.push_back(made.outputs());
    const auto state = method.state();
    outputs.back()["task_logits"] = state.at("logits");
    if (state.contains("lambda")) {
      outputs.back()["lambda"] = state.at("lambda");
    }
  }
  return outputs;
}

} // namespace

GoldenReport check_bilevel(json file) {
  for (json& whole : file["cases"]) {
    whole["sequence"][0]["model"] = {
        {"W", whole["W"]}, {"V", whole["V"]}, {"b", whole["b"]}};
  }
  return check_golden(file, drive_bilevel);
}

} // namespace polytask::testing
