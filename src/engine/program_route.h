// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <polytask/core/step_report.h>

#include "mixtures/known_sharing.h"
#include "program/layer_program.h"
#include "program/mixture_program.h"
#include "program/stacked_program.h"
#include "step_context.h"
#include "taken.h"

namespace polytask::detail {

/// Steps with no graph, or with one over a part of the model alone.
class ProgramRoute {
 public:
  ProgramRoute(StepContext& context, const KnownSharing& known);

  /// What the model allows, and why not more.
  const RouteChoice& choice() const {
    return choice_;
  }
  Route route() const {
    return choice_.route;
  }

  /// Why no program can take these steps together; else the next `backward` is
  /// by the one that can.
  Obstacle obstacle(const HeadSteps& steps, bool share_input);

  /// `wants_report`: else it may be empty. Throws if one of `due`, inputs of a
  /// linear program, holds NaN.
  Taken backward(
      const HeadSteps& steps,
      bool share_input,
      const TaskSource& source,
      const DueInputs& due,
      bool wants_report);

  /// Keeps no graph of a step that was refused.
  void forget_step() {
    if (stacked_) {
      stacked_->forget_step();
    }
  }

  /// Of the linear program.
  LinearHeads& heads() {
    return layers_->heads().linear();
  }

 private:
  RouteChoice find_choice(const std::string& why_not) const;
  /// Rounds them to the model's dtype first.
  void check_losses(const HeadSteps& steps, const TaskSource& source);
  /// The features from which autograd has to go on, if it has to.
  std::vector<Inputs> forward(
      const HeadSteps& steps,
      bool share_input,
      const TaskSource& source,
      const DueInputs& due);
  Taken go_on(
      const HeadSteps& steps,
      bool share_input,
      const TaskSource& source,
      std::vector<Inputs> features);
  StepReport report(const HeadSteps& steps);

  StepContext& context_;
  RouteChoice choice_;
  RouteChoice of_step_; // where it took another route
  Obstacle why_graph_;
  std::unique_ptr<LayerProgram> layers_;
  std::unique_ptr<MixtureProgram> mixtures_;
  std::unique_ptr<StackedProgram> stacked_;
  StepProgram* program_ = nullptr; // the one that takes the step
  /// By task.
  std::vector<double> losses_;
  std::vector<double> reported_;
  std::vector<double> weights_;
};

} // namespace polytask::detail
