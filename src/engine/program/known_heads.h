// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../layers/chains_at_once.h"
#include "../plan/plan.h"
#include "deep_head.h"
#include "linear_heads.h"

namespace polytask::detail {

/// All heads of a model without a graph over them: those that are one linear
/// layer together, those of several known layers each by itself.
class KnownHeads {
 public:
  /// Null, with the reason, where a head or a loss is of another kind.
  static std::unique_ptr<KnownHeads> make(
      const MultiTaskModel& model, const Plan& plan, std::string& reason);

  /// Whether every head is one linear layer.
  bool are_linear() const {
    return deep_.empty();
  }
  /// Of those that are.
  LinearHeads& linear() {
    return *linear_;
  }
  at::ScalarType type(int64_t task) const {
    return layer(task).weight->scalar_type();
  }
  /// The last layer of a head.
  const LinearLayer& layer(int64_t task) const;
  bool is_trained(int64_t task) const;

  /// Looks at what changes from step to step: parameters and labels, for
  /// features of this many rows.
  Obstacle obstacle(int64_t rows, c10::ArrayRef<HeadStep> steps) const;
  /// Whether it can read these features.
  Obstacle feature_obstacle(
      const at::Tensor& features, c10::ArrayRef<HeadStep> steps) const;

  /// The loss of each task that takes part, at its place in `losses`.
  /// `needs_cotangent`: a backward will be asked for it.
  void forward(
      const at::Tensor& features,
      c10::ArrayRef<HeadStep> steps,
      bool needs_cotangent,
      std::vector<double>& losses);
  /// The heads' gradients, and that of the features: `cotangent` [B, d], where
  /// it is defined.
  void backward(
      const at::Tensor& features,
      c10::ArrayRef<HeadStep> steps,
      const at::Tensor& cotangent);
  /// The same, but each task's own part of it: `cotangents` [n, B, d].
  void backward_apart(
      const at::Tensor& features,
      c10::ArrayRef<HeadStep> steps,
      const at::Tensor& cotangents);
  /// Multiplies one head's gradients.
  void scale(int64_t task, double factor);
  /// Sets `.grad` of the heads that took part and clears that of the others.
  void publish(c10::ArrayRef<HeadStep> steps);

 private:
  KnownHeads() = default;

  /// Of these steps, those of linear heads.
  c10::ArrayRef<HeadStep> linear_steps(c10::ArrayRef<HeadStep> steps);
  /// Of these steps, those of deep heads, which may take them at once.
  ChainsAtOnce deep_chains(
      const at::Tensor& features, c10::ArrayRef<HeadStep> steps);
  void backward_deep(
      const at::Tensor& features,
      c10::ArrayRef<HeadStep> steps,
      bool needs_cotangents);
  DeepHead* deep(int64_t task) const {
    return deep_.empty() ? nullptr : deep_[static_cast<size_t>(task)].get();
  }

  std::unique_ptr<LinearHeads> linear_; // null where none is
  /// By task; null for those that are linear, empty where all are.
  std::vector<std::unique_ptr<DeepHead>> deep_;
  HeadSteps linear_steps_;
  at::Tensor linear_cotangents_;
  struct DeepStep {
    DeepHead* head;
    const HeadStep* step;
  };
  std::vector<DeepStep> deep_steps_;
  std::vector<at::Tensor> deep_cotangents_;
};

} // namespace polytask::detail
