// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "program_route.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/host_value.h"

#include "autocast.h"
#include "autograd_route.h"
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

ProgramRoute::ProgramRoute(StepContext& context, const KnownTrunk& trunk)
    : context_(context) {
  const Route wanted = context.options.route();
  std::string why_not = "it was asked for";
  if (wanted != Route::kAutograd) {
    program_ = StepProgram::make(
        context.model, context.plan(), trunk, wanted, why_not);
  }
  choice_ = find_choice(why_not);
  losses_.resize(static_cast<size_t>(context.model->size()));
  reported_ = weights_ = losses_;
}

RouteChoice ProgramRoute::find_choice(const std::string& why_not) const {
  if (!program_) {
    return {Route::kAutograd, why_not};
  }
  switch (program_->route()) {
    case Route::kLinearProgram:
      return {Route::kLinearProgram, "every task is linear in the input"};
    case Route::kTrunkProgram:
      return {Route::kTrunkProgram, "trunk and heads have known layers only"};
    case Route::kLayers:
      return {
          Route::kLayers,
          "the trunk has known layers only; " + program_->why_not_more()};
    default:
      return {
          Route::kStackedHeads,
          "every head is linear; " + program_->why_not_more()};
  }
}

Obstacle ProgramRoute::obstacle(
    const HeadSteps& steps, bool share_input) const {
  if (!program_) {
    return {choice_.reason};
  }
  if (is_autocast_on(at::kCPU)) {
    return {"autocast is on"};
  }
  const torch::Tensor& like = context_.plan().parameters().front();
  if (share_input) {
    return program_->obstacle(steps, like);
  }
  if (steps.size() > 1 && program_->has_trunk()) {
    return {"the tasks have inputs of their own behind a trunk"};
  }
  for (const HeadStep& step : steps) {
    if (auto found = program_->obstacle(step, like)) {
      return found;
    }
  }
  return {};
}

void ProgramRoute::check_losses(
    const HeadSteps& steps, const TaskSource& source) {
  for (const HeadStep& step : steps) {
    double& loss = losses_[static_cast<size_t>(step.task)];
    loss = loss_in(
        program_->heads().type(step.task), loss, step.labels->present());
    context_.check_loss(step.task, loss);
    if (source.observe) {
      source.observe(step.task, loss);
    }
  }
}

torch::Tensor ProgramRoute::forward(
    const HeadSteps& steps,
    bool share_input,
    const TaskSource& source,
    const DueInputs& due) {
  const Watch watch(due.empty() ? nullptr : &heads());
  apart_ = !share_input && steps.size() > 1;
  why_graph_ = {};
  try {
    if (!apart_) {
      if (auto features = program_->forward(steps, losses_, why_graph_);
          features.defined()) {
        look_through(due);
        return features;
      }
    }
    for (size_t i = 0; apart_ && i < steps.size(); ++i) {
      program_->forward(steps[i], losses_, why_graph_);
      program_->backward_heads(steps[i]);
    }
    watch.look_where_nan(due);
    for (const DueInput& input : due) {
      input.look->settle();
    }
    check_losses(steps, source);
  } catch (...) {
    context_.reset_gradients();
    watch.look_where_nan(due); // it may be why a loss was refused
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
      features.defined()) {
    return go_on(steps, share_input, source, features);
  }
  if (!apart_) {
    program_->backward_heads(steps);
  }
  const bool learns = program_->publish(steps);
  return {wants_report ? report(steps) : StepReport(), learns, &choice_};
}

Taken ProgramRoute::go_on(
    const HeadSteps& steps,
    bool share_input,
    const TaskSource& source,
    const torch::Tensor& features) {
  const bool is_expected = program_->route() == Route::kLayers;
  const Route wanted = context_.options.route();
  if (!is_expected && wanted != Route::kAuto && !why_graph_.is_error) {
    refuse_route(wanted, "step", why_graph_.reason);
  }
  const auto step =
      autograd_backward(context_, steps, share_input, source, features);
  program_->finish_graph();
  if (!is_expected) {
    with_graph_ = program_->route() == Route::kTrunkProgram
        ? RouteChoice{
              Route::kLayers,
              "the trunk has known layers only; " + why_graph_.reason}
        : RouteChoice{Route::kAutograd, why_graph_.reason};
  }
  return {
      step.losses.report(), step.learns, is_expected ? &choice_ : &with_graph_};
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
  std::tie(report.losses, report.weights) = host_vectors(
      reported_, weights_, program_->heads().type(steps.front().task));
  return report;
}

} // namespace polytask::detail
