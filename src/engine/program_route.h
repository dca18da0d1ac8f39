// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <polytask/core/step_report.h>

#include "program/step_program.h"
#include "step_context.h"

namespace polytask::detail {

/// Steps without a graph over the heads.
class ProgramRoute {
 public:
  explicit ProgramRoute(StepContext& context);

  /// What the model allows, and why not more.
  const RouteChoice& choice() const {
    return choice_;
  }
  Route route() const {
    return program_ ? program_->route() : Route::kAutograd;
  }

  /// Why it cannot take these steps together.
  Obstacle obstacle(const HeadSteps& steps, bool share_input) const;

  /// The gradients of one step, and whether there are any. Nothing where
  /// autograd has to go on, from `features`.
  std::optional<bool> backward(
      const HeadSteps& steps,
      bool share_input,
      const TaskSource& source,
      torch::Tensor& features);
  /// Of the last step.
  StepReport report(const HeadSteps& steps);

  LinearHeads& heads() {
    return program_->heads();
  }

 private:
  RouteChoice find_choice(const std::string& why_not) const;
  /// Rounds them to the model's dtype first.
  void check_losses(const HeadSteps& steps, const TaskSource& source);
  bool forward(
      const HeadSteps& steps, bool share_input, torch::Tensor& features);

  StepContext& context_;
  RouteChoice choice_;
  std::unique_ptr<StepProgram> program_;
  /// By task.
  std::vector<double> losses_;
  std::vector<double> reported_;
  std::vector<double> weights_;
  /// The tasks have inputs of their own; gradients are computed with losses.
  bool apart_ = false;
};

} // namespace polytask::detail
