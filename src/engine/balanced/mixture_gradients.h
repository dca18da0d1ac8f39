// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../mixtures/known_mixtures.h"
#include "known_gradients.h"

namespace polytask::detail {

/// The gradients of known mixtures, without a graph of them: each task's
/// cotangent goes through what it mixes.
class MixtureGradients : public KnownGradients {
 public:
  /// Null, with the reason where there are mixtures, if their parameters are
  /// not what the balancing combines.
  static std::unique_ptr<MixtureGradients> make(
      StepContext& context,
      std::shared_ptr<KnownMixtures> mixtures,
      std::string& reason);

  Obstacle obstacle(const HeadSteps& steps, bool share_input) const override;
  std::string what_is_known() const override {
    return std::string(mixtures_->parts()) + " have known layers only";
  }
  torch::Tensor forward(const HeadSteps& steps, bool share_input) override;
  void backward_heads() override;
  math::Matrix gramian() override;
  torch::Tensor jacobian() override;
  void publish_weighted(const TaskWeights& weights) override;
  void publish_direction(const torch::Tensor& direction) override;

 private:
  MixtureGradients(
      StepContext& context, std::shared_ptr<KnownMixtures> mixtures)
      : KnownGradients(context), mixtures_(std::move(mixtures)) {}

  const std::vector<torch::Tensor>& shared() const override {
    return mixtures_->parameters();
  }

  std::shared_ptr<KnownMixtures> mixtures_;
  std::vector<torch::Tensor> cotangents_; // of each task's features
};

} // namespace polytask::detail
