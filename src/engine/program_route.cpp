// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "program_route.h"

#include <algorithm>
#include <tuple>
#include "autocast.h"

#include "core/host_value.h"
#include "program/loss_in.h"

namespace polytask::detail {

ProgramRoute::ProgramRoute(StepContext& context) : context_(context) {
  const Route wanted = context.options.route();
  std::string why_not = "autograd was asked for";
  if (wanted != Route::kAutograd) {
    program_ =
        StepProgram::make(context.model, context.plan(), wanted, why_not);
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
      return {
          Route::kTrunkProgram,
          "the trunk has known layers only and every head is linear"};
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
  if (share_input) {
    return program_->obstacle(steps);
  }
  if (steps.size() > 1 && program_->route() != Route::kLinearProgram) {
    return {"the tasks have inputs of their own behind a trunk"};
  }
  for (const HeadStep& step : steps) {
    if (auto found = program_->obstacle(step)) {
      return found;
    }
  }
  return {};
}

bool ProgramRoute::forward(
    const HeadSteps& steps, bool share_input, torch::Tensor& features) {
  apart_ = !share_input && steps.size() > 1;
  if (!apart_) {
    features = program_->forward(steps, losses_);
    return !features.defined();
  }
  for (const HeadStep& step : steps) {
    program_->forward(step, losses_);
    program_->backward_heads(step);
  }
  return true;
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

std::optional<bool> ProgramRoute::backward(
    const HeadSteps& steps,
    bool share_input,
    const TaskSource& source,
    torch::Tensor& features) {
  for (const torch::Tensor& parameter : context_.plan().foreign()) {
    parameter.mutable_grad().reset();
  }
  try {
    if (!forward(steps, share_input, features)) {
      return std::nullopt;
    }
    check_losses(steps, source);
  } catch (...) {
    program_->clear_gradients();
    throw;
  }
  if (!apart_) {
    program_->backward_heads(steps);
  }
  return program_->publish(steps);
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
