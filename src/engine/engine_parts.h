// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/grad_mode.h>
#include <polytask/engine/engine.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "balanced/balanced_route.h"
#include "graph_route.h"
#include "kept_gradients.h"
#include "micro_batches.h"
#include "modes_run.h"
#include "program_route.h"
#include "saved_buffers.h"
#include "step_context.h"
#include "taken.h"

namespace polytask {

/// Chooses the route of each step.
class Engine::Parts {
 public:
  template <typename Optimizer>
  Parts(MultiTaskModel model, Optimizer& optimizer, EngineOptions options)
      : context(std::move(model), optimizer, std::move(options)) {
    make_routes();
  }

  /// Before each step of all tasks.
  void prepare() {
    check_grad_mode();
    refresh();
  }
  /// Before a task is drawn for a step.
  void prepare_draw() {
    check_grad_mode();
    remake_if(context.refresh_but_heads());
  }

  StepReport joint_step(const Batch& batch) {
    if (context.peers.are_some()) {
      return joint_accumulated({batch});
    }
    prepare();
    return whole([&] { return take_all(batch, {}, kStep); });
  }
  StepReport joint_step(const std::vector<Batch>& batches) {
    refuse_among_peers("steps of methods that need several batches");
    prepare();
    return whole([&] { return take(batches); });
  }
  StepReport task_step(
      const std::function<DrawnBatch()>& draw, const TaskSource& source);
  StepReport task_step(const Batch& batch, const TaskSource& source) {
    if (context.peers.are_some()) {
      return task_accumulated({batch}, source);
    }
    const int64_t task = draw(batch, source);
    return whole([&] { return take_next(batch, source, task, kStep); });
  }

  StepReport joint_backward(const Batch& batch) {
    if (context.peers.are_some()) {
      return joint_backward_of_all({batch});
    }
    prepare();
    return added(batch, [&] { return take_all(batch, {}, kBackward); });
  }
  StepReport joint_backward(const std::vector<Batch>& batches) {
    refuse_among_peers("backwards of methods that need several batches");
    prepare();
    TORCH_CHECK_VALUE(
        !batches.empty(), "training: a backward needs a batch, but got none.");
    return added(batches.back(), [&] { return take(batches); });
  }
  StepReport task_backward(const Batch& batch, const TaskSource& source) {
    if (context.peers.are_some()) {
      return task_backward_of_all(batch, source);
    }
    const int64_t task = draw(batch, source);
    return added(
        batch, [&] { return take_next(batch, source, task, kBackward); });
  }

  StepReport joint_accumulated(const std::vector<Batch>& batches);
  StepReport task_accumulated(
      const std::vector<Batch>& batches, const TaskSource& source);

  void forget_backward() {
    waits_ = false;
    looked_at_.reset();
  }
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

  void refresh() {
    remake_if(context.refresh());
  }
  void remake_if(bool has_changed) {
    if (has_changed || !program_) {
      make_routes();
    }
  }
  static void check_grad_mode();
  /// Of the task that was drawn, or of none where it is negative.
  void prepare_task(int64_t task) {
    if (task >= 0) {
      remake_if(context.refresh_head(task));
    }
  }
  /// Prepares a step of one task and draws it; of all where nothing is drawn.
  int64_t draw(const Batch& batch, const TaskSource& source);
  void make_routes();
  void check_options() const;
  void refuse_second_backward() const;
  bool looks_again() const {
    return balanced_ && context.options.balancing()->wants_losses_after();
  }
  /// Buffers are as they were if it throws, and no graph is kept.
  template <typename Take>
  StepReport guarded(const Take& take) {
    try {
      return buffers_.guard(context.plan().buffers(), [&] {
        context.own_loss->reset();
        context.model->sharing().begin_step();
        StepReport report = take();
        report.sharing_loss = context.own_loss->value();
        return report;
      });
    } catch (...) {
      program_->forget_step();
      if (balanced_) {
        balanced_->forget_step();
      }
      throw;
    }
  }
  /// Around a step.
  template <typename Take>
  StepReport whole(const Take& take) {
    forget_backward();
    kept_.note_written();
    micro_ = {};
    return guarded([&] {
      detail::Taken taken = take();
      finish(taken);
      return std::move(taken.report);
    });
  }
  /// Around a backward: gradients too, and those that were there are added.
  template <typename Take>
  StepReport added(const Batch& batch, const Take& take) {
    if (waits_) {
      refuse_second_backward();
    }
    StepReport report = kept_.add_to(context.plan(), [&] {
      return guarded([&] {
        detail::Taken taken = take();
        route_ = taken.route;
        return std::move(taken.report);
      });
    });
    waits_ = true;
    if (looks_again()) {
      looked_at_ = batch;
    }
    return report;
  }
  void finish(const detail::Taken& taken);

  /// A linear program sees by itself whether an input holds NaN.
  bool looks_by_itself() const {
    return !balanced_ && program_->route() == Route::kLinearProgram;
  }
  /// Nobody has looked through the inputs of `due` yet.
  detail::Taken take(
      bool share_input,
      const TaskSource& source,
      Wanted wanted,
      const detail::DueInputs& due = {});
  detail::Taken take(const std::vector<Batch>& batches);
  /// Of all tasks.
  detail::Taken take_all(
      const Batch& batch, const TaskSource& source, Wanted wanted);
  /// Of `micro_`.
  detail::Taken take_micro(const TaskSource& source);
  detail::Taken add_micro(const TaskSource& source);
  void add(const detail::MicroBatch& batch, detail::Taken& all);
  // Of several batches or processes.
  StepReport joint_backward_of_all(const std::vector<Batch>& batches);
  StepReport task_backward_of_all(const Batch& batch, const TaskSource& source);
  int64_t draw_of_all(
      const std::vector<Batch>& batches, const TaskSource& source);
  template <typename Draw>
  int64_t agreed(const Draw& draw) const;
  void observe(const detail::Taken& taken, const TaskSource& source) const;
  template <typename Around>
  StepReport take_drawn(
      const std::vector<Batch>& batches,
      int64_t task,
      const TaskSource& source,
      const Around& around);
  void refuse_among_peers(const char* what) const;
  /// Of one task, or of none where it is negative.
  detail::Taken take_task(
      const Batch& batch,
      int64_t task,
      const TaskSource& source,
      Wanted wanted);
  /// Of the task that was drawn, or of all where the source draws none.
  detail::Taken take_next(
      const Batch& batch,
      const TaskSource& source,
      int64_t drawn,
      Wanted wanted) {
    return source.next ? take_task(batch, drawn, source, wanted)
                       : take_all(batch, source, wanted);
  }
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

  detail::HeadSteps steps_;
  detail::MicroBatches micro_; // of an accumulated step
  bool share_input_ = false;
  std::vector<bool> takes_part_; // by task
  detail::SavedBuffers buffers_;
  detail::KeptGradients kept_;
  detail::KeptGradients kept_of_batches_; // within one step
  /// A backward waits for its update.
  bool waits_ = false;
  /// Its batch, for methods that look at the losses once more.
  std::optional<Batch> looked_at_;
};

} // namespace polytask
