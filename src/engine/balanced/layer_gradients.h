// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../layers/layer_chain.h"
#include "gradient_job.h"
#include "known_gradients.h"

namespace polytask::detail {

/// The gradients of a hard-shared trunk of known layers, without a graph of it:
/// all tasks' cotangents go through it together.
class LayerGradients : public KnownGradients {
 public:
  /// Null, with the reason, where the trunk's parameters are not what the
  /// balancing combines.
  static std::unique_ptr<LayerGradients> make(
      StepContext& context, const KnownTrunk& trunk, std::string& reason);

  Obstacle obstacle(const HeadSteps& steps, bool share_input) const override;
  std::string what_is_known() const override {
    return "the trunk has known layers only";
  }
  torch::Tensor forward(const HeadSteps& steps, bool share_input) override;
  void backward_heads() override;
  math::Matrix gramian() override;
  torch::Tensor jacobian() override;
  void publish_weighted(const TaskWeights& weights) override;

 private:
  LayerGradients(StepContext& context, const KnownTrunk& trunk)
      : KnownGradients(context), trunk_(trunk), chain_(trunk.chain) {}

  const std::vector<torch::Tensor>& shared() const override {
    return chain_->parameters();
  }
  void choose(GradientJob::Needs needs);
  torch::Tensor rows();
  void write_rows(const torch::Tensor& rows);

  KnownTrunk trunk_;
  std::shared_ptr<LayerChain> chain_; // the trunk's

  // Of the step.
  math::Matrix feature_gramian_; // where it was asked for
  torch::Tensor cotangents_;     // of the highest layer that learns
};

} // namespace polytask::detail
