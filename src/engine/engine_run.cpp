// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "engine_parts.h"

// Many steps on one batch.

namespace polytask {

using detail::ModesRun;

// Up to the step before the last, which is taken by itself: it leaves the
// gradients and the report as any step does.
int64_t Engine::Parts::run_modes(
    const Batch& batch,
    int64_t count,
    const TaskSource& source,
    bool observed,
    int64_t& counter,
    int64_t& drawn) {
  context.collect(batch, steps_);
  if (count < 1 || steps_.empty()) {
    return 0;
  }
  const bool forced =
      context.options.fixed_batch() == FixedBatch::kNormalEquations;
  const auto refuse = [&](const std::string& why) {
    TORCH_CHECK_VALUE(
        !forced, "training: normal equations cannot take this run: ", why, ".");
  };
  if (program_->route() != Route::kLinearProgram) {
    return 0;
  }
  if (const auto found = program_->obstacle(steps_, batch.shares_input())) {
    refuse(found.reason);
    return 0;
  }
  ModesRun run(context, program_->heads(), batch, steps_, source);
  const std::string obstacle =
      observed ? "an observer looks at each step" : run.obstacle();
  if (!obstacle.empty()) {
    refuse(obstacle);
    of_run_.reason = "on residuals: " + obstacle;
    return 0;
  }
  if (!forced && !run.is_cheaper(count)) {
    of_run_.reason = "on residuals, which is cheaper for so few steps";
    return 0;
  }
  of_run_.reason =
      "normal equations in their eigenbasis: one batch, squared error, SGD";
  return run.run(count, counter, drawn);
}

StepReport Engine::Parts::run(
    const Batch& batch,
    int64_t count,
    const TaskSource& source,
    const StepObserver& observer,
    int64_t& counter) {
  TORCH_CHECK_VALUE(
      count >= 1, "run: expected at least one step, but got ", count, ".");
  StepReport report;
  if (context.peers.are_some()) {
    for (; count > 0; --count) {
      report = source.next ? task_step(batch, source) : joint_step(batch);
      report.step = ++counter;
      if (observer) {
        observer(report);
      }
    }
    return report;
  }
  prepare();
  batch.check_input();
  int64_t drawn = ModesRun::kNotDrawn;
  of_run_ = program_->choice();
  if (!balanced_ && context.options.fixed_batch() != FixedBatch::kResidual) {
    count -= run_modes(
        batch, count - 1, source, static_cast<bool>(observer), counter, drawn);
  }
  for (; count > 0; --count) {
    if (drawn == ModesRun::kNotDrawn) {
      drawn = draw(batch, source);
    } else {
      prepare();
    }
    report = whole([&] {
      return take_next(
          batch, source, drawn, observer || count == 1 ? kStep : kUnwatched);
    });
    report.step = ++counter;
    drawn = ModesRun::kNotDrawn;
    if (observer) {
      observer(report);
    }
  }
  // Steps by a program are those of the run, whatever it did before them.
  if (route_ == &program_->choice()) {
    route_ = &of_run_;
  }
  return report;
}

} // namespace polytask
