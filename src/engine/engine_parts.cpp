// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "engine_parts.h"

#include <utility>

#include "autograd_route.h"
#include "refuse_route.h"

namespace polytask {

using detail::ModesRun;
using detail::Taken;

namespace {

// Alone.
bool is_for_balancings(Route route) {
  switch (route) {
    case Route::kBatchedJacobian:
    case Route::kStreamedGramian:
    case Route::kLayerJacobian:
    case Route::kLayerGramian:
    case Route::kFeatureGradients:
      return true;
    default:
      return false;
  }
}

} // namespace

void Engine::Parts::check_grad_mode() {
  TORCH_CHECK_VALUE(
      at::GradMode::is_enabled(),
      "training: gradients are switched off (NoGradGuard or InferenceMode); a "
      "step needs them.");
}

void Engine::Parts::refuse_among_peers(const char* what) const {
  TORCH_CHECK_VALUE(
      !context.peers.are_some(),
      "training: ",
      what,
      " are taken by one process alone, but the communicator has ",
      context.peers.size(),
      ".");
}

int64_t Engine::Parts::draw(const Batch& batch, const TaskSource& source) {
  if (!source.next) {
    prepare();
    return ModesRun::kNotDrawn;
  }
  prepare_draw();
  context.find_takers(batch, takes_part_);
  const int64_t task = source.next(takes_part_);
  prepare_task(task);
  return task;
}

void Engine::Parts::check_options() const {
  const Route wanted = context.options.route();
  if (context.options.balancing()) {
    TORCH_CHECK_VALUE(
        !context.options.device_graph() &&
            context.options.fixed_batch() != FixedBatch::kNormalEquations,
        "training: steps with a balancing have neither device graphs nor "
        "normal equations.");
    return;
  }
  TORCH_CHECK_VALUE(
      !is_for_balancings(wanted),
      "training: the route '",
      to_string(wanted),
      "' is one of steps with a balancing, but this training has none.");
}

void Engine::Parts::make_routes() {
  program_.reset();
  route_ = &fallen_back_; // where what follows throws
  check_options();
  graph_ = std::make_unique<detail::GraphRoute>(context);
  const auto known = detail::KnownSharing::of(
      context.model, context.plan().has_tied_modules());
  auto program = std::make_unique<detail::ProgramRoute>(context, known);
  if (context.options.balancing()) {
    balanced_ = std::make_unique<detail::BalancedRoute>(context, known);
    route_ = &balanced_->choice();
    program_ = std::move(program);
    return;
  }
  const RouteChoice& found = program->choice();
  const Route wanted = context.options.route();
  if (wanted != Route::kAuto && wanted != found.route) {
    detail::refuse_route(wanted, "model", found.reason);
  }
  TORCH_CHECK_VALUE(
      context.options.fixed_batch() != FixedBatch::kNormalEquations ||
          found.route == Route::kLinearProgram,
      "training: normal equations cannot take this model: ",
      found.route == Route::kAutograd ? found.reason
                                      : "its tasks are not linear in the "
                                        "input",
      ".");
  program_ = std::move(program);
  route_ = &program_->choice();
}

void Engine::Parts::finish(const Taken& taken) {
  route_ = taken.route;
  if (!taken.learns) {
    return;
  }
  context.update();
  if (looks_again()) {
    balanced_->observe_after(
        micro_.batches.empty()
            ? detail::MicroBatches{{{steps_, share_input_}}, steps_}
            : micro_);
  }
}

void Engine::Parts::refuse_second_backward() const {
  const auto& method = context.options.balancing();
  TORCH_CHECK_VALUE(
      !method || !method->keeps_state(),
      "training: the balancing '",
      method ? method->name() : "",
      "' learns from each step, so update() has to come between one backward() "
      "and the next; step_accumulated() takes several batches as one.");
}

void Engine::Parts::update() {
  remake_if(context.refresh_but_heads());
  context.update();
  if (looked_at_) {
    context.collect(*looked_at_, steps_);
    balanced_->observe_after({{{steps_, looked_at_->shares_input()}}, steps_});
  }
  forget_backward();
}

// From here on, even if autograd throws.
void Engine::Parts::fall_back(const std::string& reason) {
  const Route wanted = context.options.route();
  if (wanted != Route::kAuto && wanted != Route::kAutograd) {
    detail::refuse_route(wanted, "step", reason);
  }
  fallen_back_ = {Route::kAutograd, reason};
  route_ = &fallen_back_;
}

bool Engine::Parts::use_program(bool share_input) {
  const auto obstacle = program_->obstacle(steps_, share_input);
  if (obstacle.is_error) {
    fallen_back_ = {Route::kAutograd, obstacle.reason};
  } else if (obstacle) {
    fall_back(obstacle.reason);
  }
  return !obstacle;
}

Taken Engine::Parts::take(
    bool share_input,
    const TaskSource& source,
    Wanted wanted,
    const detail::DueInputs& due) {
  share_input_ = share_input;
  if (balanced_) {
    return balanced_->backward(steps_, share_input);
  }
  const bool is_empty = steps_.empty();
  if (is_empty) {
    fallen_back_ = program_->choice();
  }
  if (!is_empty && use_program(share_input)) {
    return program_->backward(
        steps_,
        share_input,
        source,
        due,
        /*wants_report=*/wanted != kUnwatched);
  }
  detail::look_through(due);
  if (!is_empty && wanted != kBackward) {
    auto report =
        graph_->step(steps_, share_input, source, /*report=*/wanted == kStep);
    if (!graph_->reason().empty()) {
      fallen_back_ = {Route::kAutograd, graph_->reason()};
    }
    if (report) {
      return {*std::move(report), /*learns=*/false, &fallen_back_};
    }
  }
  const auto step =
      detail::autograd_backward(context, steps_, share_input, source, {});
  return {step.losses.report(), step.learns, &fallen_back_};
}

Taken Engine::Parts::take(const std::vector<Batch>& batches) {
  TORCH_CHECK_VALUE(
      balanced_ || batches.size() == 1,
      "training: expected one batch for a step without a balancing, but got ",
      batches.size(),
      ".");
  const bool is_one = batches.size() == 1 &&
      (!balanced_ || context.options.balancing()->batches() == 1);
  if (!is_one) {
    // Before the first of them is read.
    for (const Batch& batch : batches) {
      batch.check_input();
    }
    return balanced_->backward(batches);
  }
  return take_all(batches[0], {}, kBackward);
}

Taken Engine::Parts::take_all(
    const Batch& batch, const TaskSource& source, Wanted wanted) {
  detail::DueInputs due;
  context.collect(batch, steps_, looks_by_itself() ? &due : nullptr);
  return take(batch.shares_input(), source, wanted, due);
}

Taken Engine::Parts::take_task(
    const Batch& batch, int64_t task, const TaskSource& source, Wanted wanted) {
  if (task < 0) {
    batch.check_input();
    steps_.clear();
    return take(/*share_input=*/false, source, wanted);
  }
  detail::DueInputs due;
  context.collect(batch, task, steps_, looks_by_itself() ? &due : nullptr);
  if (steps_.empty() && source.pass) {
    source.pass(task);
  }
  Taken taken = take(/*share_input=*/false, source, wanted, due);
  if (wanted != kUnwatched) {
    taken.report.task = context.name(task);
  }
  return taken;
}

} // namespace polytask
