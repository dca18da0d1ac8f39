// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/engine/engine.h>

#include <optional>
#include <utility>

#include "autograd_route.h"
#include "balanced/balanced_route.h"
#include "core/host_value.h"
#include "graph_route.h"
#include "kept_gradients.h"
#include "micro_batches.h"
#include "modes_run.h"
#include "program_route.h"
#include "saved_buffers.h"
#include "step_context.h"
#include "taken.h"

namespace polytask {

using detail::HeadSteps;
using detail::ModesRun;
using detail::Taken;

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
    if (context.refresh() || !program_) {
      make_routes();
    }
  }

  StepReport joint_step(const Batch& batch) {
    prepare();
    return whole([&] {
      context.collect(batch, steps_);
      return take(batch.shares_input(), {}, kStep);
    });
  }
  StepReport joint_step(const std::vector<Batch>& batches) {
    prepare();
    return whole([&] { return take(batches); });
  }
  StepReport task_step(
      const Batch& batch, int64_t task, const TaskSource& source) {
    prepare();
    return whole([&] { return take_task(batch, task, source, kStep); });
  }
  StepReport task_step(const Batch& batch, const TaskSource& source) {
    prepare();
    return whole(
        [&] { return take_next(batch, source, ModesRun::kNotDrawn, kStep); });
  }

  StepReport joint_backward(const Batch& batch) {
    prepare();
    return added(batch, [&] {
      context.collect(batch, steps_);
      return take(batch.shares_input(), {}, kBackward);
    });
  }
  StepReport joint_backward(const std::vector<Batch>& batches) {
    prepare();
    TORCH_CHECK_VALUE(
        !batches.empty(), "training: a backward needs a batch, but got none.");
    return added(batches.back(), [&] { return take(batches); });
  }
  StepReport task_backward(const Batch& batch, const TaskSource& source) {
    prepare();
    return added(batch, [&] {
      return take_next(batch, source, ModesRun::kNotDrawn, kBackward);
    });
  }

  StepReport joint_accumulated(const std::vector<Batch>& batches) {
    prepare();
    TORCH_CHECK_VALUE(
        !batches.empty(), "training: an accumulated step needs a batch.");
    return whole([&] {
      micro_ = detail::collect_all(context, batches);
      return take_micro({});
    });
  }
  StepReport task_accumulated(
      const std::vector<Batch>& batches, const TaskSource& source);

  void zero_grad() {
    context.reset_gradients();
    forget_backward();
  }
  void update();

  StepReport run(
      const Batch& batch,
      int64_t count,
      const TaskSource& source,
      const StepObserver& observer,
      int64_t& counter);

  const RouteChoice& route() const {
    return *route_;
  }

  detail::StepContext context;

 private:
  /// What a route is asked for: a backward alone, a step, or one of a run that
  /// nobody watches, whose report may be empty.
  enum Wanted { kBackward, kStep, kUnwatched };

  void make_routes();
  void check_options() const;
  void refuse_second_backward() const;
  bool looks_again() const {
    return balanced_ && context.options.balancing()->wants_losses_after();
  }
  void forget_backward() {
    waits_ = false;
    looked_at_.reset();
  }

  /// Around a step: buffers are as they were if it throws.
  template <typename Take>
  StepReport whole(const Take& take);
  /// Around a backward: gradients too, and those that were there are added.
  template <typename Take>
  StepReport added(const Batch& batch, const Take& take);
  void finish(const Taken& taken);

  Taken take(bool share_input, const TaskSource& source, Wanted wanted);
  Taken take(const std::vector<Batch>& batches);
  /// Of `micro_`.
  Taken take_micro(const TaskSource& source);
  /// Of one task, or of none where it is negative.
  Taken take_task(
      const Batch& batch,
      int64_t task,
      const TaskSource& source,
      Wanted wanted);
  /// Of the task that was drawn already, or of the next.
  Taken take_next(
      const Batch& batch,
      const TaskSource& source,
      int64_t drawn,
      Wanted wanted);
  bool use_program(bool share_input);
  void fall_back(const std::string& reason);
  int64_t run_modes(
      const Batch& batch,
      int64_t count,
      const TaskSource& source,
      bool observed,
      int64_t& counter,
      int64_t& drawn);

  std::unique_ptr<detail::ProgramRoute> program_;
  std::unique_ptr<detail::GraphRoute> graph_;
  std::unique_ptr<detail::BalancedRoute> balanced_;
  const RouteChoice* route_ = nullptr;
  /// Where no other object has it: of steps that fell back, and of a run.
  RouteChoice fallen_back_;
  RouteChoice of_run_;

  HeadSteps steps_;
  detail::MicroBatches micro_; // of an accumulated step
  bool share_input_ = false;
  std::vector<bool> takes_part_; // by task
  detail::SavedBuffers buffers_;
  detail::KeptGradients kept_;
  /// A backward waits for its update.
  bool waits_ = false;
  /// Its batch, for methods that look at the losses once more.
  std::optional<Batch> looked_at_;
};

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
  check_options();
  graph_ = std::make_unique<detail::GraphRoute>(context);
  auto program = std::make_unique<detail::ProgramRoute>(context);
  if (context.options.balancing()) {
    balanced_ = std::make_unique<detail::BalancedRoute>(context);
    route_ = &balanced_->choice();
    program_ = std::move(program);
    return;
  }
  const RouteChoice& found = program->choice();
  const Route wanted = context.options.route();
  TORCH_CHECK_VALUE(
      wanted == Route::kAuto || wanted == found.route,
      "training: the route '",
      to_string(wanted),
      "' cannot take this model: ",
      found.reason,
      ".");
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

template <typename Take>
StepReport Engine::Parts::whole(const Take& take) {
  forget_backward();
  kept_.note_written();
  micro_ = {};
  return buffers_.guard(context.plan().buffers(), [&] {
    Taken taken = take();
    finish(taken);
    return std::move(taken.report);
  });
}

template <typename Take>
StepReport Engine::Parts::added(const Batch& batch, const Take& take) {
  if (waits_) {
    refuse_second_backward();
  }
  kept_.take(context.plan());
  try {
    StepReport report = buffers_.guard(context.plan().buffers(), [&] {
      Taken taken = take();
      route_ = taken.route;
      return std::move(taken.report);
    });
    kept_.add();
    waits_ = true;
    if (looks_again()) {
      looked_at_ = batch;
    }
    return report;
  } catch (...) {
    kept_.put_back();
    throw;
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
  prepare();
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
  TORCH_CHECK_VALUE(
      wanted == Route::kAuto || wanted == Route::kAutograd,
      "training: the route '",
      to_string(wanted),
      "' cannot take this step: ",
      reason,
      ".");
  fallen_back_ = {Route::kAutograd, reason};
  route_ = &fallen_back_;
}

bool Engine::Parts::use_program(bool share_input) {
  const auto obstacle = program_->obstacle(steps_, share_input);
  if (obstacle && !obstacle.is_error) {
    fall_back(obstacle.reason);
  }
  return !obstacle;
}

Taken Engine::Parts::take(
    bool share_input, const TaskSource& source, Wanted wanted) {
  share_input_ = share_input;
  if (balanced_) {
    return balanced_->backward(steps_, share_input);
  }
  const bool is_empty = steps_.empty();
  if (is_empty) {
    fallen_back_ = program_->choice();
  }
  torch::Tensor features;
  if (!is_empty && use_program(share_input)) {
    const auto learns =
        program_->backward(steps_, share_input, source, features);
    if (learns) {
      return {
          wanted == kUnwatched ? StepReport() : program_->report(steps_),
          *learns,
          &program_->choice()};
    }
    fall_back("the trunk's features are not a matrix [B, d]");
  }
  if (!is_empty && !features.defined() && wanted != kBackward) {
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
      detail::autograd_backward(context, steps_, share_input, source, features);
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
    return balanced_->backward(batches);
  }
  context.collect(batches[0], steps_);
  return take(batches[0].shares_input(), {}, kBackward);
}

Taken Engine::Parts::take_micro(const TaskSource& source) {
  if (balanced_) {
    return balanced_->backward(micro_);
  }
  const auto size = static_cast<size_t>(context.model->size());
  std::vector<double> weights(size, 0.0);
  for (const auto& step : micro_.tasks) {
    weights[static_cast<size_t>(step.task)] = step.weight;
  }
  context.reset_gradients();
  Taken all;
  all.route = route_;
  all.report.losses =
      torch::zeros({context.model->size()}, context.tensor_options());
  all.report.weights = detail::host_vector(weights, context.tensor_options());
  try {
    for (const auto& batch : micro_.batches) {
      if (batch.steps.empty()) {
        continue;
      }
      kept_.take(context.plan());
      steps_ = batch.steps;
      const Taken own = take(batch.share_input, {}, kBackward);
      kept_.add();
      std::vector<double> parts(size, 0.0);
      const auto found = micro_.parts(batch);
      for (size_t i = 0; i < found.size(); ++i) {
        parts[static_cast<size_t>(batch.steps[i].task)] = found[i];
      }
      all.report.losses.add_(
          own.report.losses *
          detail::host_vector(parts, own.report.losses.options()));
      all.learns = all.learns || own.learns;
      all.route = own.route;
    }
    for (const auto& step : micro_.tasks) {
      if (source.observe) {
        source.observe(step.task, all.report.losses[step.task].item<double>());
      }
    }
  } catch (...) {
    context.reset_gradients();
    throw;
  }
  return all;
}

StepReport Engine::Parts::task_accumulated(
    const std::vector<Batch>& batches, const TaskSource& source) {
  prepare();
  TORCH_CHECK_VALUE(
      !batches.empty(), "training: an accumulated step needs a batch.");
  std::vector<bool> some(static_cast<size_t>(context.model->size()), false);
  for (const Batch& batch : batches) {
    context.find_takers(batch, takes_part_);
    for (size_t task = 0; task < some.size(); ++task) {
      some[task] = some[task] || takes_part_[task];
    }
  }
  return whole([&] {
    const int64_t task = source.next(some);
    if (task < 0) {
      return take_task(batches[0], task, source, kStep);
    }
    micro_ = detail::collect_all(context, batches, task);
    if (micro_.tasks.empty() && source.pass) {
      source.pass(task);
    }
    Taken taken = take_micro(source);
    taken.report.task = context.name(task);
    return taken;
  });
}

Taken Engine::Parts::take_task(
    const Batch& batch, int64_t task, const TaskSource& source, Wanted wanted) {
  if (task < 0) {
    steps_.clear();
    return take(/*share_input=*/false, source, wanted);
  }
  context.collect(batch, task, steps_);
  if (steps_.empty() && source.pass) {
    source.pass(task);
  }
  Taken taken = take(/*share_input=*/false, source, wanted);
  if (wanted != kUnwatched) {
    taken.report.task = context.name(task);
  }
  return taken;
}

Taken Engine::Parts::take_next(
    const Batch& batch,
    const TaskSource& source,
    int64_t drawn,
    Wanted wanted) {
  if (!source.next) {
    context.collect(batch, steps_);
    return take(batch.shares_input(), source, wanted);
  }
  if (drawn == ModesRun::kNotDrawn) {
    context.find_takers(batch, takes_part_);
    drawn = source.next(takes_part_);
  }
  return take_task(batch, drawn, source, wanted);
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
  prepare();
  int64_t drawn = ModesRun::kNotDrawn;
  of_run_ = program_->choice();
  if (!balanced_ && context.options.fixed_batch() != FixedBatch::kResidual) {
    count -= run_modes(
        batch, count - 1, source, static_cast<bool>(observer), counter, drawn);
  }
  StepReport report;
  for (; count > 0; --count) {
    prepare();
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

StepReport Engine::joint_backward(const Batch& batch) {
  return parts_->joint_backward(batch);
}

StepReport Engine::joint_backward(const std::vector<Batch>& batches) {
  return parts_->joint_backward(batches);
}

StepReport Engine::task_backward(const Batch& batch, const TaskSource& source) {
  return parts_->task_backward(batch, source);
}

StepReport Engine::joint_accumulated(const std::vector<Batch>& batches) {
  return parts_->joint_accumulated(batches);
}

StepReport Engine::task_accumulated(
    const std::vector<Batch>& batches, const TaskSource& source) {
  return parts_->task_accumulated(batches, source);
}

void Engine::zero_grad() {
  parts_->zero_grad();
}

void Engine::update() {
  parts_->update();
}

void Engine::prepare() {
  parts_->prepare();
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
  return parts_->route();
}

} // namespace polytask
