// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../mixtures/known_mixtures.h"
#include "../step_context.h"
#include "cut_heads.h"
#include "task_gradients.h"

namespace polytask::detail {

/// The gradients of known experts and gates, without a graph of them: each
/// task's cotangent goes through those that it mixes.
class MixtureGradients : public TaskGradients {
 public:
  /// Null, with the reason, where their parameters are not what the balancing
  /// combines.
  static std::unique_ptr<MixtureGradients> make(
      StepContext& context,
      std::shared_ptr<KnownMixtures> mixtures,
      std::string& reason);

  /// Why it cannot take this step.
  Obstacle obstacle(const HeadSteps& steps, bool share_input) const;

  bool publishes_by_graph() const override {
    return false;
  }
  const RouteChoice& choice() const override {
    return choice_;
  }
  torch::Tensor forward(const HeadSteps& steps, bool share_input) override;
  void backward_heads() override;
  math::Matrix gramian() override;
  torch::Tensor jacobian() override;
  void publish_weighted(const TaskWeights& weights) override;
  void publish_direction(const torch::Tensor& direction) override;
  void publish_strays() override {
    heads_.publish_strays(head_weights_);
  }
  void scale_heads(const TaskWeights& weights) override;
  std::vector<int64_t> block_sizes() const override;
  std::vector<bool> used() const override {
    return mixtures_->used();
  }

  void forget_step() {
    heads_.clear();
  }

 private:
  MixtureGradients(
      StepContext& context, std::shared_ptr<KnownMixtures> mixtures)
      : context_(context), mixtures_(std::move(mixtures)), heads_(context) {}

  int64_t tasks() const {
    return static_cast<int64_t>(steps_.size());
  }
  void add_strays(const torch::Tensor& rows) const;

  StepContext& context_;
  std::shared_ptr<KnownMixtures> mixtures_;
  CutHeads heads_;
  HeadSteps steps_;
  TaskWeights head_weights_; // where the heads are weighted
  RouteChoice choice_;

  // Of the step.
  std::vector<torch::Tensor> cotangents_; // of each task's features
  torch::Tensor rows_;                    // [n, N]
  bool has_rows_ = false;
};

} // namespace polytask::detail
