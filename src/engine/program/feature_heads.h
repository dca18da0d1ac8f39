// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include <polytask/core/inputs.h>

#include "deep_head.h"
#include "known_heads.h"

namespace polytask::detail {

/// Known heads behind features that each task was given: together where these
/// are one tensor, else each head by itself.
class FeatureHeads {
 public:
  /// Null, with the reason, where a head or a loss is of another kind.
  static std::unique_ptr<FeatureHeads> make(
      const MultiTaskModel& model, const Plan& plan, std::string& reason);

  at::ScalarType type(int64_t task) const {
    return alone(task).output_layer().weight->scalar_type();
  }
  bool is_trained(int64_t task) const {
    return alone(task).is_trained();
  }

  /// Looks at what changes from step to step: parameters and labels.
  Obstacle obstacle(const HeadSteps& steps) const;
  /// Whether the heads can read these features, one for each step.
  Obstacle feature_obstacle(
      const std::vector<Inputs>& features, const HeadSteps& steps) const;

  /// The loss of each task that takes part, at its place in `losses`. The
  /// features may have a graph, which is not followed.
  void forward(
      const std::vector<Inputs>& features,
      const HeadSteps& steps,
      std::vector<double>& losses);

  /// Outputs of a graph, and what goes into them backwards.
  struct Cotangents {
    std::vector<at::Tensor> outputs;
    std::vector<at::Tensor> values;
  };
  /// The heads' gradients. Gives those of the features that require one: in
  /// new memory, for a hook in the graph may keep it.
  Cotangents backward(
      const std::vector<Inputs>& features, const HeadSteps& steps);
  /// The same, but each task's own part of it, which `cotangent` and
  /// `cotangents` then give. Where the features have no graph, good until the
  /// next step.
  void backward_apart(
      const std::vector<Inputs>& features, const HeadSteps& steps);
  /// Of one step's features.
  at::Tensor cotangent(size_t step) const {
    return is_together_ ? all_cotangents_.select(0, static_cast<int64_t>(step))
                        : cotangents_[step];
  }
  /// [n, B, d], where the features are of one shape.
  at::Tensor cotangents() const {
    return is_together_ ? all_cotangents_ : torch::stack(cotangents_);
  }

  /// Multiplies one head's gradients.
  void scale(int64_t task, double factor);
  /// Sets `.grad` of the heads that took part and clears that of the others.
  void publish(const HeadSteps& steps);

 private:
  FeatureHeads() = default;

  /// Whether all of the heads can be computed on one tensor.
  bool are_together(const std::vector<Inputs>& features) const;
  /// The heads' gradients; gives those of the features for which needs(i).
  template <typename Needs>
  void backward_alone(const HeadSteps& steps, const Needs& needs);
  const DeepHead& alone(int64_t task) const {
    return *alone_[static_cast<size_t>(task)];
  }
  DeepHead& alone(int64_t task) {
    return *alone_[static_cast<size_t>(task)];
  }

  std::unique_ptr<KnownHeads> together_;         // null where widths differ
  std::vector<std::unique_ptr<DeepHead>> alone_; // by task

  // Of a step.
  bool is_together_ = false;
  std::vector<at::Tensor> plain_; // features, cut off: of all, or of each step
  at::Tensor all_cotangents_;     // [n, B, d]
  std::vector<at::Tensor> cotangents_; // of each step
};

} // namespace polytask::detail
