// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <vector>

#include "../step_context.h"
#include "task_weights.h"

namespace polytask::detail {

/// The heads of the tasks that take part, cut off from what they share, so that
/// one backward gives each task's own gradients and the cotangents of its
/// features.
class CutHeads {
 public:
  /// One task's part of the step.
  struct Part {
    int64_t task;
    double weight;
    std::vector<torch::Tensor> features; // what the head was given
    std::vector<torch::Tensor> leaves;   // the same, cut off
    torch::Tensor loss;
    const std::vector<torch::Tensor>* own; // trained parameters of its head
    /// Of the features; undefined where they cannot have one.
    std::vector<torch::Tensor> cotangents;
  };

  /// The losses [n], detached.
  torch::Tensor forward(
      const StepContext& context,
      const HeadSteps& steps,
      const std::vector<Inputs>& features);
  /// Writes `.grad` of the heads' own parameters, and the cotangents.
  void backward();
  /// [n, B, ...]; only where every head has one tensor, all of one shape.
  torch::Tensor cotangents() const;
  void scale(const TaskWeights& weights);
  void clear() {
    parts_.clear();
  }

  const std::vector<Part>& parts() const {
    return parts_;
  }
  bool has_tied() const {
    return has_tied_;
  }

 private:
  std::vector<Part> parts_;
  bool has_tied_ = false;
};

} // namespace polytask::detail
