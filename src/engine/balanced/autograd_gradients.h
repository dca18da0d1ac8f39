// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "../step_context.h"
#include "cut_heads.h"
#include "gradient_job.h"
#include "task_gradients.h"

namespace polytask::detail {

/// The gradients of any model: what the tasks share takes one backward for each
/// task, or one for all, or one with the weights.
class AutogradGradients : public TaskGradients {
 public:
  explicit AutogradGradients(StepContext& context)
      : context_(context), heads_(context) {}

  const RouteChoice& choice() const override {
    return choice_;
  }
  /// Why the steps to come take a graph of what is shared.
  void set_reason(const std::string& why_graph) {
    why_graph_ = why_graph;
  }
  torch::Tensor forward(const HeadSteps& steps, bool share_input) override;
  void backward_heads() override;
  math::Matrix gramian() override;
  torch::Tensor jacobian() override;
  void publish_weighted(const TaskWeights& weights) override;
  void publish_direction(const torch::Tensor& direction) override;
  void publish_strays() override;
  void scale_heads(const TaskWeights& weights) override;
  std::vector<int64_t> block_sizes() const override;
  std::vector<bool> used() const override {
    return is_used_;
  }

  void forget_step() {
    heads_.clear();
  }

 private:
  using Part = CutHeads::Part;

  std::string apart() const;
  void choose(GradientJob::Needs needs);
  template <typename Compute>
  auto by_choice(GradientJob::Needs needs, const Compute& compute);
  /// Outputs of a graph and what goes into them backwards.
  struct Combined {
    std::vector<torch::Tensor> outputs;
    std::vector<torch::Tensor> cotangents;
  };

  Combined combined(const TaskWeights& weights) const;
  void find_strays();
  void note_used(const std::vector<torch::Tensor>& gradients);
  bool divides_gates(const TaskWeights& weights) const;
  void scale_gates();
  void publish_gates(
      const std::vector<torch::Tensor>& gradients, const TaskWeights& weights);
  torch::Tensor loop();
  torch::Tensor batched();
  math::Matrix streamed();
  torch::Tensor rows();

  StepContext& context_;
  std::string why_graph_;
  RouteChoice choice_;
  CutHeads heads_;
  std::vector<torch::Tensor> shared_;
  int64_t count_ = 0;         // N
  std::vector<bool> is_used_; // by some task, of each of `shared_`
  std::vector<torch::Tensor> strays_;
  TaskWeights head_weights_; // where the heads are weighted
  /// Something in this model's backward cannot be vectorised.
  bool refuses_batches_ = false;
  torch::Tensor rows_;
};

} // namespace polytask::detail
