// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/model/multi_task_model.h>
#include <polytask/sharing/sharing.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include <memory>
#include <optional>
#include <vector>

namespace polytask::testing {

/// Three experts 5 -> 8 and softmax gates over them, as in MMoE. Task t has
/// gate t; those from the last gate on share it, and the features behind it. A
/// gate of one task alone is this task's own.
class Experts : public Sharing {
 public:
  Experts(int64_t gates, int64_t tasks);

  std::vector<torch::Tensor> features(
      const torch::Tensor& input, int64_t tasks) override;
  torch::Tensor features_of(const torch::Tensor& input, int64_t task) override;
  std::vector<torch::Tensor> task_parameters(int64_t task) const override;
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device) const override;

 private:
  torch::Tensor outputs_of_experts(const torch::Tensor& input);
  torch::Tensor mixed(
      const torch::Tensor& input, const torch::Tensor& outputs, size_t gate);
  size_t gate_of(int64_t task) const;

  int64_t tasks_;
  std::vector<torch::nn::Sequential> experts_;
  std::vector<torch::nn::Linear> gates_;
};

/// No tasks yet.
MultiTaskModel behind_experts(int64_t gates, int64_t tasks);

} // namespace polytask::testing
