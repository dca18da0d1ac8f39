// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <polytask/core/communicator.h>
#include <polytask/engine/learning_rates.h>
#include <polytask/engine/route.h>
#include <polytask/engine/task_owners.h>
#include <polytask/optim/clipping.h>
#include <polytask/optim/grad_scaler.h>

namespace polytask {

// As TORCH_ARG, but each call gives back the options that derive from these,
// so that calls chain in any order.
#define POLYTASK_STEP_ARG(T, name)         \
 public:                                   \
  Derived& name(const T& new_##name) {     \
    this->name##_ = new_##name;            \
    return static_cast<Derived&>(*this);   \
  }                                        \
  Derived& name(T&& new_##name) {          \
    this->name##_ = std::move(new_##name); \
    return static_cast<Derived&>(*this);   \
  }                                        \
  const T& name() const noexcept {         \
    return this->name##_;                  \
  }                                        \
  T& name() noexcept {                     \
    return this->name##_;                  \
  }                                        \
                                           \
 private:                                  \
  T name##_ /* NOLINT */

/// What the options of every strategy, and those of the engine, have in common.
template <typename Derived>
class StepOptions {
  /// Rates for the shared part and for single tasks; only with optimizer
  /// options, for an optimizer of the user's has groups already.
  POLYTASK_STEP_ARG(LearningRates, learning_rates);
  /// Bounds the gradients of one update, those of all parameters that the
  /// optimizer holds together, but for those that a balancing learns.
  POLYTASK_STEP_ARG(Clipping, clipping);
  /// Scales losses in mixed precision (autocast to half) and leaves out updates
  /// whose gradients are not finite; null for none. Gradients are scaled
  /// between `backward` and `update`, which does what PyTorch's loop does:
  /// unscale_, clipping, step, update. A step waits once for the device. Inner
  /// products and what a balancing reads are unscaled; where they overflow, it
  /// learns nothing from the step. Not with bilevel methods.
  POLYTASK_STEP_ARG(std::shared_ptr<optim::GradScaler>, grad_scaler);
  /// Refuse a step whose loss is NaN or infinite, before anything is changed.
  /// Looked at on the CPU only, where it costs nothing.
  POLYTASK_STEP_ARG(bool, check_losses) = true;
  /// Forces a route; a step that it cannot take throws, and says why.
  POLYTASK_STEP_ARG(Route, route) = Route::kAuto;
  /// How `run` on one batch takes its steps where tasks are linear.
  POLYTASK_STEP_ARG(FixedBatch, fixed_batch) = FixedBatch::kAuto;
  /// Record steps on a CUDA device as a graph and replay them while shapes stay
  /// the same. A replay overwrites the gradients of the last one in place.
  /// Not where a network's forward reads numbers on the host that change from
  /// step to step, for a graph keeps those of its recording.
  POLYTASK_STEP_ARG(bool, device_graph) = false;
  /// Processes of which each takes its own rows of every step: the step is that
  /// of one process on the rows of all. Null for one.
  ///
  /// All begin with the weights of rank 0. Losses are means over all ranks'
  /// labels; a rank may lack some tasks' labels, or all. Where one rank refuses
  /// a step, as for a NaN, all do, and say which.
  POLYTASK_STEP_ARG(std::shared_ptr<Communicator>, communicator);
  /// Which of them train which tasks; all train all where it is empty. Each
  /// rank then gives rows of its own tasks alone, and an alternating training
  /// draws one task for each group. What a task has for itself is up to date at
  /// its owners, and at all after `Training::gather`. Not with a grad_scaler.
  POLYTASK_STEP_ARG(TaskOwners, task_owners);
  /// After so many updates each time, see whether all ranks still have the same
  /// parameters, to the bit, and throw `c10::ValueError` with the name of one
  /// that differs, as where somebody wrote to it on one rank. 0: never.
  POLYTASK_STEP_ARG(int64_t, check_ranks_every) = 0;
};

#undef POLYTASK_STEP_ARG

} // namespace polytask
