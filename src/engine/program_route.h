// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <polytask/core/step_report.h>

#include "program/step_program.h"
#include "step_context.h"
#include "taken.h"

namespace polytask::detail {

/// Steps with no graph, or with one over a part of the model alone.
class ProgramRoute {
 public:
  ProgramRoute(StepContext& context, const KnownTrunk& trunk);

  /// What the model allows, and why not more.
  const RouteChoice& choice() const {
    return choice_;
  }
  Route route() const {
    return program_ ? program_->route() : Route::kAutograd;
  }

  /// Why it cannot take these steps together.
  Obstacle obstacle(const HeadSteps& steps, bool share_input) const;

  /// `wants_report`: else it may be empty. Throws if one of `due`, inputs of a
  /// linear program, holds NaN.
  Taken backward(
      const HeadSteps& steps,
      bool share_input,
      const TaskSource& source,
      const DueInputs& due,
      bool wants_report);

  /// Of the linear program.
  LinearHeads& heads() {
    return program_->heads().linear();
  }

 private:
  RouteChoice find_choice(const std::string& why_not) const;
  /// Rounds them to the model's dtype first.
  void check_losses(const HeadSteps& steps, const TaskSource& source);
  /// The features from which autograd has to go on, where it has.
  torch::Tensor forward(
      const HeadSteps& steps,
      bool share_input,
      const TaskSource& source,
      const DueInputs& due);
  Taken go_on(
      const HeadSteps& steps,
      bool share_input,
      const TaskSource& source,
      const torch::Tensor& features);
  StepReport report(const HeadSteps& steps);

  StepContext& context_;
  RouteChoice choice_;
  RouteChoice with_graph_; // of a step whose heads autograd took
  Obstacle why_graph_;
  std::unique_ptr<StepProgram> program_;
  /// By task.
  std::vector<double> losses_;
  std::vector<double> reported_;
  std::vector<double> weights_;
  /// The tasks have inputs of their own; gradients are computed with losses.
  bool apart_ = false;
};

} // namespace polytask::detail
