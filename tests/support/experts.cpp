// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/experts.h"

#include <torch/nn/modules/activation.h>
#include <torch/utils.h>

#include <algorithm>
#include <string>

namespace polytask::testing {

namespace {

constexpr int64_t kExperts = 3;

} // namespace

Experts::Experts(int64_t gates, int64_t tasks)
    : Sharing("Experts"), tasks_(tasks) {
  using torch::nn::Linear;
  using torch::nn::LinearOptions;
  for (int64_t i = 0; i < kExperts; ++i) {
    experts_.push_back(register_module(
        "expert" + std::to_string(i),
        torch::nn::Sequential(Linear(5, 7), torch::nn::Tanh(), Linear(7, 8))));
  }
  for (int64_t i = 0; i < gates; ++i) {
    gates_.push_back(register_module(
        "gate" + std::to_string(i),
        Linear(LinearOptions(5, kExperts).bias(false))));
  }
}

size_t Experts::gate_of(int64_t task) const {
  return std::min(static_cast<size_t>(task), gates_.size() - 1);
}

// [B, 8, experts]
torch::Tensor Experts::outputs_of_experts(const torch::Tensor& input) {
  std::vector<torch::Tensor> outputs;
  for (auto& expert : experts_) {
    outputs.push_back(expert->forward(input));
  }
  return torch::stack(outputs, 2);
}

torch::Tensor Experts::mixed(
    const torch::Tensor& input, const torch::Tensor& outputs, size_t gate) {
  const torch::Tensor shares = torch::softmax(gates_[gate](input), 1);
  return torch::matmul(outputs, shares.unsqueeze(2)).squeeze(2);
}

std::vector<torch::Tensor> Experts::features(
    const torch::Tensor& input, int64_t tasks) {
  const torch::Tensor outputs = outputs_of_experts(input);
  std::vector<torch::Tensor> of_gates;
  for (size_t gate = 0; gate < gates_.size(); ++gate) {
    of_gates.push_back(mixed(input, outputs, gate));
  }
  std::vector<torch::Tensor> all;
  for (int64_t task = 0; task < tasks; ++task) {
    all.push_back(of_gates[gate_of(task)]);
  }
  return all;
}

torch::Tensor Experts::features_of(const torch::Tensor& input, int64_t task) {
  return mixed(input, outputs_of_experts(input), gate_of(task));
}

std::vector<torch::Tensor> Experts::task_parameters(int64_t task) const {
  const size_t gate = gate_of(task);
  const bool is_shared =
      gate + 1 == gates_.size() && static_cast<int64_t>(gate) + 1 < tasks_;
  return is_shared ? std::vector<torch::Tensor>{}
                   : std::vector<torch::Tensor>{gates_[gate]->weight};
}

std::shared_ptr<torch::nn::Module> Experts::clone(
    const std::optional<torch::Device>& device) const {
  auto copy =
      std::make_shared<Experts>(static_cast<int64_t>(gates_.size()), tasks_);
  const auto from = parameters();
  copy->to(from[0].scalar_type());
  const auto to = copy->parameters();
  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < from.size(); ++i) {
    to[i].copy_(from[i]);
    to[i].set_requires_grad(from[i].requires_grad());
  }
  if (device) {
    copy->to(*device);
  }
  return copy;
}

MultiTaskModel behind_experts(int64_t gates, int64_t tasks) {
  return MultiTaskModel(std::static_pointer_cast<Sharing>(
      std::make_shared<Experts>(gates, tasks)));
}

} // namespace polytask::testing
