// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "program_route.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/host_value.h"

#include "autocast.h"
#include "autograd_route.h"
#include "features.h"
#include "program/loss_in.h"
#include "refuse_route.h"

namespace polytask::detail {

namespace {

// Has linear heads, if any are given, look for NaN while it lives.
class Watch {
 public:
  explicit Watch(LinearHeads* heads) : heads_(heads) {
    if (heads_) {
      heads_->watch(true);
    }
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    if (heads_) {
      heads_->watch(false);
    }
  }

  // Outputs are NaN wherever the input is, but may be so for other reasons.
  void look_where_nan(const DueInputs& due) const {
    if (heads_ && heads_->saw_nan()) {
      look_through(due);
    }
  }

 private:
  LinearHeads* heads_;
};

} // namespace

ProgramRoute::ProgramRoute(StepContext& context, const KnownSharing& known)
    : context_(context) {
  const Route wanted = context.options.route();
  std::string why_not = "it was asked for";
  if (wanted != Route::kAutograd && wanted != Route::kStackedHeads) {
    layers_ = LayerProgram::make(
        context.model, context.plan(), known.trunk, wanted, why_not);
    mixtures_ = MixtureProgram::make(
        context.model, context.plan(), known.mixtures, wanted, why_not);
  }
  // Beside layers too, for tasks with inputs of their own.
  if (wanted != Route::kAutograd && wanted != Route::kLayers) {
    const bool is_asked_for = wanted == Route::kStackedHeads;
    std::string reason;
    stacked_ = StackedProgram::make(
        context,
        is_asked_for ? "stacked heads were asked for" : why_not,
        reason);
    why_not = is_asked_for ? reason : why_not;
  }
  choice_ = find_choice(why_not);
  losses_.resize(static_cast<size_t>(context.model->size()));
  reported_ = weights_ = losses_;
}

RouteChoice ProgramRoute::find_choice(const std::string& why_not) const {
  if (mixtures_) {
    const std::string parts = mixtures_->parts();
    return mixtures_->route() == Route::kTrunkProgram
        ? RouteChoice{mixtures_->route(), parts + " and heads have known layers only"}
        : RouteChoice{
              mixtures_->route(),
              parts + " have known layers only; " + mixtures_->why_not_more()};
  }
  if (!layers_ && !stacked_) {
    return {Route::kAutograd, why_not};
  }
  if (!layers_) {
    return {
        Route::kStackedHeads,
        "every head has known layers only; " + stacked_->why_not_more()};
  }
  switch (layers_->route()) {
    case Route::kLinearProgram:
      return {Route::kLinearProgram, "every task is linear in the input"};
    case Route::kTrunkProgram:
      return {Route::kTrunkProgram, "trunk and heads have known layers only"};
    default:
      return {
          Route::kLayers,
          "the trunk has known layers only; " + layers_->why_not_more()};
  }
}

Obstacle ProgramRoute::obstacle(const HeadSteps& steps, bool share_input) {
  if (!layers_ && !mixtures_ && !stacked_) {
    return {choice_.reason};
  }
  if (is_autocast_on(at::kCPU)) {
    return {"autocast is on"};
  }
  const torch::Tensor& like = context_.plan().parameters().front();
  if (mixtures_) {
    program_ = mixtures_.get();
    auto found = program_->obstacle(steps, share_input, like);
    if (!found || found.is_error || !stacked_ ||
        context_.options.route() != Route::kAuto) {
      return found;
    }
    program_ = stacked_.get();
    of_step_ = {Route::kStackedHeads, std::move(found.reason)};
    return program_->obstacle(steps, share_input, like);
  }
  const bool have_own_inputs = !share_input && steps.size() > 1;
  if (!layers_) {
    program_ = stacked_.get();
  } else if (
      !have_own_inputs || !stacked_ ||
      context_.options.route() != Route::kAuto) {
    program_ = layers_.get();
  } else {
    program_ = stacked_.get();
    of_step_ = {
        Route::kStackedHeads,
        "the tasks have inputs of their own behind a trunk"};
  }
  return program_->obstacle(steps, share_input, like);
}

void ProgramRoute::check_losses(
    const HeadSteps& steps, const TaskSource& source) {
  for (const HeadStep& step : steps) {
    double& loss = losses_[static_cast<size_t>(step.task)];
    loss = loss_in(program_->type(step.task), loss, step.labels->present());
    context_.check_loss(step.task, loss);
    if (source.observe) {
      source.observe(step.task, loss);
    }
  }
}

std::vector<Inputs> ProgramRoute::forward(
    const HeadSteps& steps,
    bool share_input,
    const TaskSource& source,
    const DueInputs& due) {
  const Watch watch(due.empty() ? nullptr : &heads());
  try {
    auto features = program_->forward(steps, share_input, losses_, why_graph_);
    if (mixtures_ && program_ == mixtures_.get() && mixtures_->has_own_loss()) {
      differentiate_own_loss(context_, steps);
    }
    if (!features.empty()) {
      look_through(due);
      return features;
    }
    watch.look_where_nan(due);
    for (const DueInput& input : due) {
      input.look->settle();
    }
    check_losses(steps, source);
  } catch (...) {
    context_.reset_gradients();
    look_through(due); // NaN there may be why
    throw;
  }
  return {};
}

Taken ProgramRoute::backward(
    const HeadSteps& steps,
    bool share_input,
    const TaskSource& source,
    const DueInputs& due,
    bool wants_report) {
  for (const torch::Tensor& parameter : context_.plan().foreign()) {
    parameter.mutable_grad().reset();
  }
  if (auto features = forward(steps, share_input, source, due);
      !features.empty()) {
    return go_on(steps, share_input, source, std::move(features));
  }
  program_->backward_heads(steps);
  const bool learns = program_->publish(steps);
  context_.own_loss->publish();
  return {
      wants_report ? report(steps) : StepReport(),
      learns,
      program_->route() == choice_.route ? &choice_ : &of_step_};
}

Taken ProgramRoute::go_on(
    const HeadSteps& steps,
    bool share_input,
    const TaskSource& source,
    std::vector<Inputs> features) {
  const bool is_expected = program_->route() == Route::kLayers;
  const Route wanted = context_.options.route();
  if (!is_expected && wanted != Route::kAuto && !why_graph_.is_error) {
    refuse_route(wanted, "step", why_graph_.reason);
  }
  const auto step = autograd_backward(
      context_, steps, share_input, source, std::move(features));
  program_->finish_graph();
  context_.own_loss->publish();
  if (!is_expected) {
    of_step_ = program_->route() == Route::kTrunkProgram
        ? RouteChoice{
              Route::kLayers,
              "the trunk has known layers only; " + why_graph_.reason}
        : RouteChoice{Route::kAutograd, why_graph_.reason};
  }
  return {
      step.losses.report(), step.learns, is_expected ? &choice_ : &of_step_};
}

StepReport ProgramRoute::report(const HeadSteps& steps) {
  std::fill(reported_.begin(), reported_.end(), 0.0);
  std::fill(weights_.begin(), weights_.end(), 0.0);
  for (const HeadStep& step : steps) {
    const auto task = static_cast<size_t>(step.task);
    reported_[task] = losses_[task];
    weights_[task] = step.weight;
  }
  StepReport report;
  std::tie(report.losses, report.weights) =
      host_vectors(reported_, weights_, program_->type(steps.front().task));
  return report;
}

} // namespace polytask::detail
