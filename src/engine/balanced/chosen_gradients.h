// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>

#include "../mixtures/known_sharing.h"
#include "autograd_gradients.h"
#include "layer_gradients.h"
#include "mixture_gradients.h"

namespace polytask::detail {

/// By what the gradients of a balanced step come: the layers of the trunk where
/// they are known, or else its graph.
class ChosenGradients {
 public:
  /// Throws where the route that is wanted cannot take the model.
  ChosenGradients(StepContext& context, const KnownSharing& known);

  /// For these steps together.
  TaskGradients& of(const HeadSteps& steps, bool share_input);

  void forget_step() {
    autograd_.forget_step();
    if (known_) {
      known_->forget_step();
    }
  }

  /// Before the first step: what the model allows.
  RouteChoice first_choice() const;

 private:
  StepContext& context_;
  std::string why_graph_;
  std::unique_ptr<KnownGradients> known_;
  AutogradGradients autograd_;
};

} // namespace polytask::detail
