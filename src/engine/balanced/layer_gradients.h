// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../layers/layer_chain.h"
#include "../step_context.h"
#include "cut_heads.h"
#include "gradient_job.h"
#include "task_gradients.h"

namespace polytask::detail {

/// The gradients of a hard-shared trunk of known layers, without a graph of it:
/// all tasks' cotangents go through it together.
class LayerGradients : public TaskGradients {
 public:
  /// Null, with the reason, where the trunk's parameters are not what the
  /// balancing combines.
  static std::unique_ptr<LayerGradients> make(
      StepContext& context, const KnownTrunk& trunk, std::string& reason);

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
  void publish_strays() override;
  void scale_heads(const TaskWeights& weights) override;
  std::vector<int64_t> block_sizes() const override;
  std::vector<bool> used() const override {
    return std::vector<bool>(shared().size(), true);
  }

  void forget_step() {
    heads_.clear();
  }

 private:
  LayerGradients(StepContext& context, const KnownTrunk& trunk)
      : context_(context),
        trunk_(trunk),
        chain_(trunk.chain),
        heads_(context) {}

  int64_t tasks() const {
    return static_cast<int64_t>(steps_.size());
  }
  const std::vector<torch::Tensor>& shared() const {
    return chain_->parameters();
  }
  void add_strays(const torch::Tensor& rows) const;
  void choose(GradientJob::Needs needs);
  torch::Tensor rows();
  void write_rows(const torch::Tensor& rows);

  StepContext& context_;
  KnownTrunk trunk_;
  std::shared_ptr<LayerChain> chain_; // the trunk's
  CutHeads heads_;
  HeadSteps steps_;
  TaskWeights head_weights_; // where the heads are weighted
  RouteChoice choice_;

  // Of the step.
  math::Matrix feature_gramian_; // where it was asked for
  torch::Tensor cotangents_;     // of the highest layer that learns
  torch::Tensor rows_;
  bool has_rows_ = false;
};

} // namespace polytask::detail
