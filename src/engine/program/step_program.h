// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <polytask/engine/route.h>

#include "../plan/plan.h"
#include "linear_heads.h"
#include "trunk.h"

namespace polytask::detail {

/// One step's losses and gradients without a graph over the heads: a trunk and
/// linear heads behind it.
class StepProgram {
 public:
  /// The fastest program for the model, no further than `wanted` allows; null,
  /// with the reason, where there is none.
  static std::unique_ptr<StepProgram> make(
      const MultiTaskModel& model,
      const Plan& plan,
      Route wanted,
      std::string& reason);

  Route route() const {
    return trunk_->route();
  }
  /// Why the trunk is not a program too; empty where it is.
  const std::string& why_not_more() const {
    return why_not_more_;
  }
  /// The steps have one input, that of the first.
  Obstacle obstacle(c10::ArrayRef<HeadStep> steps) const;

  /// Computes the losses of the tasks that take part, on one input. Returns an
  /// undefined tensor; or, where the heads cannot take what the trunk gave,
  /// that, with its graph, and no loss is computed.
  at::Tensor forward(
      c10::ArrayRef<HeadStep> steps, std::vector<double>& losses);
  /// The gradients of the heads, and of the features.
  void backward_heads(c10::ArrayRef<HeadStep> steps);
  /// The trunk's gradients; writes `.grad` of all parameters. Whether anything
  /// has one.
  bool publish(c10::ArrayRef<HeadStep> steps);
  void clear_gradients();

  LinearHeads& heads() {
    return *heads_;
  }

 private:
  Obstacle feature_obstacle(const at::Tensor& features) const;
  StepProgram(std::unique_ptr<Trunk> trunk, std::unique_ptr<LinearHeads> heads);

  std::unique_ptr<Trunk> trunk_;
  std::unique_ptr<LinearHeads> heads_;
  std::string why_not_more_;
  at::Tensor features_;
  at::Tensor cotangent_;
};

} // namespace polytask::detail
