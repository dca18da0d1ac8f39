// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/engine/engine.h>

#include <utility>

#include "autograd_route.h"
#include "balanced/balanced_route.h"
#include "graph_route.h"
#include "modes_run.h"
#include "program_route.h"
#include "step_context.h"

namespace polytask {

using detail::HeadSteps;
using detail::ModesRun;

namespace {

// Alone.
bool is_for_balancings(Route route) {
  switch (route) {
    case Route::kLayers:
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

/// Chooses the route of each step.
class Engine::Parts {
 public:
  template <typename Optimizer>
  Parts(MultiTaskModel model, Optimizer& optimizer, EngineOptions options)
      : context(std::move(model), optimizer, std::move(options)) {
    make_routes();
  }

  /// Before each step, and before anything is drawn for it.
  void prepare() {
    if (context.refresh() || !program) {
      make_routes();
    }
  }

  StepReport joint_step(const Batch& batch) {
    prepare();
    forget_run();
    context.collect(batch, steps_);
    return take_step(batch.shares_input(), {}, /*report=*/true);
  }

  StepReport joint_step(const std::vector<Batch>& batches) {
    prepare();
    TORCH_CHECK_VALUE(
        balanced || batches.size() == 1,
        "training: expected one batch for a step without a balancing, but got ",
        batches.size(),
        ".");
    StepReport report =
        balanced ? balanced->step(batches) : joint_step(batches[0]);
    choice = balanced ? balanced->choice() : choice;
    return report;
  }

  StepReport task_step(
      const Batch& batch, int64_t task, const TaskSource& source) {
    prepare();
    forget_run();
    return step_of(batch, task, source, /*report=*/true);
  }

  StepReport task_step(const Batch& batch, const TaskSource& source) {
    prepare();
    forget_run();
    return next_step(batch, source, ModesRun::kNotDrawn, /*report=*/true);
  }

  StepReport run(
      const Batch& batch,
      int64_t count,
      const TaskSource& source,
      const StepObserver& observer,
      int64_t& counter);

  detail::StepContext context;
  std::unique_ptr<detail::ProgramRoute> program;
  std::unique_ptr<detail::GraphRoute> graph;
  std::unique_ptr<detail::BalancedRoute> balanced;
  RouteChoice choice;

 private:
  void make_routes();
  /// Without `report`, for runs that nobody watches, what it returns may be
  /// empty.
  StepReport take_step(bool share_input, const TaskSource& source, bool report);
  /// Of one task, or of none where it is negative.
  StepReport step_of(
      const Batch& batch, int64_t task, const TaskSource& source, bool report);
  /// The task that was drawn already, or the next.
  StepReport next_step(
      const Batch& batch, const TaskSource& source, int64_t drawn, bool report);
  bool use_program(bool share_input);
  int64_t run_modes(
      const Batch& batch,
      int64_t count,
      const TaskSource& source,
      bool observed,
      int64_t& counter,
      int64_t& drawn);
  void leave_program(const std::string& reason);
  void forget_run();

  HeadSteps steps_;
  std::vector<bool> takes_part_; // by task
  /// `choice` tells of a run.
  bool ran_ = false;
};

void Engine::Parts::make_routes() {
  program.reset();
  graph = std::make_unique<detail::GraphRoute>(context);
  balanced.reset();
  auto found = std::make_unique<detail::ProgramRoute>(context);
  choice = found->choice();
  const Route wanted = context.options.route();
  if (context.options.balancing()) {
    TORCH_CHECK_VALUE(
        !context.options.device_graph() &&
            context.options.fixed_batch() != FixedBatch::kNormalEquations,
        "training: steps with a balancing have neither device graphs nor "
        "normal equations.");
    balanced = std::make_unique<detail::BalancedRoute>(context);
    choice = balanced->choice();
    program = std::move(found);
    return;
  }
  TORCH_CHECK_VALUE(
      !is_for_balancings(wanted),
      "training: the route '",
      to_string(wanted),
      "' is one of steps with a balancing, but this training has none.");
  TORCH_CHECK_VALUE(
      wanted == Route::kAuto || wanted == choice.route,
      "training: the route '",
      to_string(wanted),
      "' cannot take this model: ",
      choice.reason,
      ".");
  TORCH_CHECK_VALUE(
      context.options.fixed_batch() != FixedBatch::kNormalEquations ||
          choice.route == Route::kLinearProgram,
      "training: normal equations cannot take this model: ",
      choice.route == Route::kAutograd ? choice.reason
                                       : "its tasks are not linear in the "
                                         "input",
      ".");
  program = std::move(found);
}

bool Engine::Parts::use_program(bool share_input) {
  const auto obstacle = program->obstacle(steps_, share_input);
  if (!obstacle) {
    return true;
  }
  if (!obstacle.is_error) {
    leave_program(obstacle.reason);
  }
  return false;
}

void Engine::Parts::leave_program(const std::string& reason) {
  const Route wanted = context.options.route();
  TORCH_CHECK_VALUE(
      wanted == Route::kAuto || wanted == Route::kAutograd,
      "training: the route '",
      to_string(wanted),
      "' cannot take this step: ",
      reason,
      ".");
  choice = {Route::kAutograd, reason};
}

StepReport Engine::Parts::take_step(
    bool share_input, const TaskSource& source, bool report) {
  if (balanced) {
    StepReport taken = balanced->step(steps_, share_input);
    choice = balanced->choice();
    return taken;
  }
  torch::Tensor features;
  if (!steps_.empty() && use_program(share_input)) {
    if (program->step(steps_, share_input, source, features)) {
      if (choice.route != program->route()) {
        choice = program->choice();
      }
      return report ? program->report(steps_) : StepReport();
    }
    leave_program("the trunk's features are not a matrix [B, d]");
  }
  if (!steps_.empty() && !features.defined()) {
    auto taken = graph->step(steps_, share_input, source, report);
    if (!graph->reason().empty()) {
      choice = {Route::kAutograd, graph->reason()};
    }
    if (taken) {
      return *std::move(taken);
    }
  }
  return detail::autograd_step(context, steps_, share_input, source, features);
}

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
  if (program->route() != Route::kLinearProgram) {
    return 0;
  }
  if (const auto found = program->obstacle(steps_, batch.shares_input())) {
    refuse(found.reason);
    return 0;
  }
  ModesRun run(context, program->heads(), batch, steps_, source);
  const std::string obstacle =
      observed ? "an observer looks at each step" : run.obstacle();
  if (!obstacle.empty()) {
    refuse(obstacle);
    choice.reason = "on residuals: " + obstacle;
    return 0;
  }
  if (!forced && !run.is_cheaper(count)) {
    choice.reason = "on residuals, which is cheaper for so few steps";
    return 0;
  }
  choice.reason =
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
  prepare();
  choice = balanced ? balanced->choice() : program->choice();
  ran_ = true;
  int64_t drawn = ModesRun::kNotDrawn;
  if (!balanced && context.options.fixed_batch() != FixedBatch::kResidual) {
    count -= run_modes(
        batch, count - 1, source, static_cast<bool>(observer), counter, drawn);
  }
  StepReport report;
  for (; count > 0; --count) {
    prepare();
    report = next_step(batch, source, drawn, observer || count == 1);
    report.step = ++counter;
    drawn = ModesRun::kNotDrawn;
    if (observer) {
      observer(report);
    }
  }
  return report;
}

// A step by itself may go another way than the run before it.
void Engine::Parts::forget_run() {
  if (ran_) {
    choice = balanced ? balanced->choice() : program->choice();
    ran_ = false;
  }
}

StepReport Engine::Parts::step_of(
    const Batch& batch, int64_t task, const TaskSource& source, bool report) {
  if (task < 0) {
    steps_.clear();
    return take_step(/*share_input=*/false, source, report);
  }
  context.collect(batch, task, steps_);
  if (steps_.empty() && source.pass) {
    source.pass(task);
  }
  StepReport taken = take_step(/*share_input=*/false, source, report);
  if (report) {
    taken.task = context.name(task);
  }
  return taken;
}

StepReport Engine::Parts::next_step(
    const Batch& batch, const TaskSource& source, int64_t drawn, bool report) {
  if (!source.next) {
    context.collect(batch, steps_);
    return take_step(batch.shares_input(), source, report);
  }
  if (drawn == ModesRun::kNotDrawn) {
    context.find_takers(batch, takes_part_);
    drawn = source.next(takes_part_);
  }
  return step_of(batch, drawn, source, report);
}

Engine::Engine(
    MultiTaskModel model,
    const torch::optim::OptimizerOptions& optimizer,
    EngineOptions options)
    : parts_(std::make_unique<Parts>(
          std::move(model), optimizer, std::move(options))) {}

Engine::Engine(
    MultiTaskModel model,
    torch::optim::Optimizer& optimizer,
    EngineOptions options)
    : parts_(std::make_unique<Parts>(
          std::move(model), optimizer, std::move(options))) {}

Engine::Engine(Engine&& other) noexcept = default;
Engine& Engine::operator=(Engine&& other) noexcept = default;
Engine::~Engine() = default;

StepReport Engine::joint_step(const Batch& batch) {
  return parts_->joint_step(batch);
}

StepReport Engine::joint_step(const std::vector<Batch>& batches) {
  return parts_->joint_step(batches);
}

StepReport Engine::task_step(
    const Batch& batch, int64_t task, const TaskSource& source) {
  return parts_->task_step(batch, task, source);
}

StepReport Engine::task_step(const Batch& batch, const TaskSource& source) {
  return parts_->task_step(batch, source);
}

StepReport Engine::joint_run(
    const Batch& batch,
    int64_t steps,
    const StepObserver& observer,
    int64_t& counter) {
  return parts_->run(batch, steps, {}, observer, counter);
}

StepReport Engine::task_run(
    const Batch& batch,
    int64_t steps,
    const TaskSource& source,
    const StepObserver& observer,
    int64_t& counter) {
  return parts_->run(batch, steps, source, observer, counter);
}

const MultiTaskModel& Engine::model() const {
  return parts_->context.model;
}

torch::optim::Optimizer& Engine::optimizer() {
  return *parts_->context.optimizer;
}

const torch::optim::Optimizer& Engine::optimizer() const {
  return *parts_->context.optimizer;
}

balancing::Balancing* Engine::balancing() {
  return parts_->context.options.balancing().get();
}

const balancing::Balancing* Engine::balancing() const {
  return parts_->context.options.balancing().get();
}

const RouteChoice& Engine::route() const {
  return parts_->choice;
}

} // namespace polytask
