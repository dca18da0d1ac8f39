// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../plan/plan.h"
#include "../program/obstacle.h"
#include "../step_context.h"
#include "cut_heads.h"
#include "task_gradients.h"

namespace polytask::detail {

/// What gradients of known layers below the heads have in common: cut heads
/// above, and the rows of the Jacobian, once they are wanted.
class KnownGradients : public TaskGradients {
 public:
  /// Why it cannot take this step.
  virtual Obstacle obstacle(const HeadSteps& steps, bool share_input) const = 0;

  /// Why no graph is needed, for reports.
  virtual std::string what_is_known() const = 0;

  bool publishes_by_graph() const override {
    return false;
  }
  const RouteChoice& choice() const override {
    return choice_;
  }
  void publish_direction(const torch::Tensor& direction) override;
  void publish_strays() override {
    heads_.publish_strays(head_weights_);
  }
  void scale_heads(const TaskWeights& weights) override;
  std::vector<int64_t> block_sizes() const override;
  std::vector<bool> used() const override {
    return is_used_;
  }

  void forget_step() {
    heads_.clear();
  }

 protected:
  explicit KnownGradients(StepContext& context)
      : context_(context), heads_(context) {}

  /// Why these parameters are not what a balancing of this plan combines; empty
  /// where they are.
  static std::string why_not_all(
      const std::vector<torch::Tensor>& parameters, const Plan& plan);

  /// The columns of a row.
  virtual const std::vector<torch::Tensor>& shared() const = 0;

  void begin(const HeadSteps& steps);
  int64_t tasks() const {
    return static_cast<int64_t>(steps_.size());
  }
  /// Adds what losses reach by themselves, to each task's row, or to a sum of
  /// rows [N] by these factors.
  void add_strays(const torch::Tensor& rows);
  void add_strays(const torch::Tensor& sum, const torch::Tensor& factors);

  StepContext& context_;
  CutHeads heads_;
  HeadSteps steps_;
  TaskWeights head_weights_; // where the heads are weighted
  RouteChoice choice_;
  std::vector<bool> is_used_; // of `shared`: by a task, or by a loss itself
  torch::Tensor rows_;        // [n, N], of this step where it has them
  bool has_rows_ = false;
};

} // namespace polytask::detail
