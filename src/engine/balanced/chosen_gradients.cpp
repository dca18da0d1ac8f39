// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "chosen_gradients.h"

#include "../refuse_route.h"

namespace polytask::detail {

ChosenGradients::ChosenGradients(
    StepContext& context, const KnownSharing& known)
    : context_(context), autograd_(context) {
  const Route wanted = context.options.route();
  if (wanted == Route::kAutograd || wanted == Route::kBatchedJacobian ||
      wanted == Route::kStreamedGramian) {
    why_graph_ = "it was asked for";
    return;
  }
  known_ = LayerGradients::make(context, known.trunk, why_graph_);
  if (!known_) {
    known_ = MixtureGradients::make(context, known.mixtures, why_graph_);
  }
  const bool may_take_a_graph =
      wanted == Route::kAuto || wanted == Route::kFeatureGradients;
  if (!known_ && !may_take_a_graph) {
    refuse_route(wanted, "model", why_graph_);
  }
}

TaskGradients& ChosenGradients::of(const HeadSteps& steps, bool share_input) {
  if (!known_) {
    autograd_.set_reason(why_graph_);
    return autograd_;
  }
  const auto obstacle = known_->obstacle(steps, share_input);
  if (!obstacle) {
    return *known_;
  }
  const Route wanted = context_.options.route();
  if (!obstacle.is_error && wanted != Route::kAuto &&
      wanted != Route::kFeatureGradients) {
    refuse_route(wanted, "step", obstacle.reason);
  }
  autograd_.set_reason(obstacle.reason);
  return autograd_;
}

RouteChoice ChosenGradients::first_choice() const {
  if (!known_) {
    return {Route::kAutograd, why_graph_};
  }
  const bool weighs_losses =
      context_.options.balancing()->reads() == balancing::Reads::kLosses;
  return {
      weighs_losses ? Route::kLayers : Route::kLayerJacobian,
      known_->what_is_known()};
}

} // namespace polytask::detail
