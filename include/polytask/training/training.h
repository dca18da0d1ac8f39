// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/archives.h>
#include <polytask/engine/engine.h>
#include <polytask/training/training_state.h>

namespace polytask {

/// What alternating and joint training have in common, so that a loop can be
/// written once:
///
/// ```cpp
/// void loop(polytask::Training& training, polytask::data::Loader& loader) {
///   for (int epoch = 0; epoch < 10; ++epoch) {
///     for (const auto& batch : loader) { training.step(batch); }
///     training.end_epoch();
///   }
/// }
/// ```
class POLYTASK_API Training {
 public:
  virtual ~Training();
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

  /// One step on the batch. If it throws, no parameter has moved, running
  /// statistics are as they were, and nothing was counted.
  ///
  /// Warns, once in the life of the training, where the model was left in eval
  /// mode.
  StepReport step(const Batch& batch);

  /// A step in its three parts, for loops that accumulate gradients, look at
  /// them or change them. Gradients add up as autograd's do, and what stands in
  /// `.grad` already is kept:
  ///
  /// ```cpp
  /// training.zero_grad();
  /// auto report = training.backward(batch); // nothing has moved
  /// training.update();
  /// ```
  ///
  /// `zero_grad` clears the gradients of the model's parameters and of all that
  /// the optimizer holds.
  void zero_grad();
  /// Adds the gradients of one step on the batch to `.grad`: for a balancing,
  /// the balanced direction for what is shared and each task's own for the
  /// rest. If it throws, gradients and running statistics are as they were.
  ///
  /// Throws at a second `backward` before `update` with a balancing that learns
  /// from each step (`balancing::Balancing::keeps_state`).
  StepReport backward(const Batch& batch);
  /// Clips the gradients, takes the optimizer's step, and lets the balancing
  /// learn from it. Counts as a step, also without a `backward`.
  void update();

  /// One step on several batches, with the memory of one: the same as a step on
  /// all their rows together, up to rounding. For every loss that is a mean
  /// over labels, also where labels are missing or rows have weights; a
  /// callable's is taken for the mean over its rows. With a balancing that
  /// reads gradients the sum of the batches' Jacobians [T, N] is held too.
  /// Layers that look at a whole batch, as BatchNorm, look at each by itself.
  ///
  /// An alternating training draws one task for all of them. Throws as `step`
  /// does, and with a balancing that needs several batches for each step.
  StepReport step_accumulated(const std::vector<Batch>& batches);

  /// `steps` steps on one batch; the observer sees each, with the parameters
  /// after it. Returns the last report. Throws if `steps` is less than 1, and
  /// as `step` does; then the parameters are those after the last good step.
  ///
  /// The same as `step`, to the last bit however the steps are split into runs,
  /// but where `route().reason` says "normal equations": such a run rounds at
  /// its end, and `fixed_batch(FixedBatch::kResidual)` keeps from it. A state
  /// saved between runs or steps goes on alike either way.
  StepReport run(
      const Batch& batch, int64_t steps, const StepObserver& observer = {});

  /// Tells the balancing and the sampler that an epoch has ended. Whoever owns
  /// the loop calls it; methods that learn from epoch to epoch
  /// (`balancing::Balancing::counts_epochs`) learn nothing without it, and a
  /// training with such a method that takes many steps without it warns once.
  virtual void end_epoch();

  /// Of several processes, which all call it before the model or the training
  /// is saved or evaluated: gives all of them what each task's owners have of
  /// it, the optimizer's state too, and else the running statistics of rank 0.
  void gather();

  const MultiTaskModel& model() const {
    return engine_.model();
  }
  torch::optim::Optimizer& optimizer() {
    return engine_.optimizer();
  }
  /// How the tasks are weighed; null for the plain sum and for alternating
  /// training.
  balancing::Balancing* balancing() {
    return engine_.balancing();
  }
  /// The processes that take each step together; null for one.
  const std::shared_ptr<Communicator>& communicator() const {
    return engine_.communicator();
  }
  /// Which of them train which tasks; empty where all train all.
  const TaskOwners& task_owners() const {
    return engine_.task_owners();
  }
  /// How the last step or run got its gradients, and why not faster; before the
  /// first, what the model allows.
  const RouteChoice& route() const {
    return engine_.route();
  }
  /// How many steps were taken.
  int64_t steps() const {
    return steps_;
  }
  /// How many epochs have ended.
  int64_t epochs() const {
    return epochs_;
  }

  /// Everything that the training needs to go on to the last bit, but the
  /// model's parameters and buffers: the optimizer, the balancing, the sampler,
  /// the counters, the tasks' weights and what is frozen. The random numbers of
  /// the model's own layers are those of `RandomState`.
  TrainingState state() const;
  /// Goes on from there. The optimizer's options become those of the state, as
  /// with LibTorch's.
  ///
  /// Throws, by name and with nothing changed, on the state of another strategy
  /// or model (names of tasks; names, shapes and dtypes of parameters),
  /// another kind of optimizer or other groups, another balancing, options of
  /// it or kind of sampler, and on one that a newer polytask wrote.
  void load_state(const TrainingState& state);

  /// The same to and from an archive. `torch::save(training, path)` and
  /// `torch::load(training, path)` do so too.
  void save(torch::serialize::OutputArchive& archive) const;
  void load(torch::serialize::InputArchive& archive);

 protected:
  explicit Training(Engine engine);
  Training(Training&&) noexcept;
  Training& operator=(Training&&) noexcept;

  virtual StepReport take_step(const Batch& batch) = 0;
  virtual StepReport take_backward(const Batch& batch) = 0;
  virtual StepReport take_accumulated(const std::vector<Batch>& batches) = 0;
  /// Counts in `steps_`.
  virtual StepReport take_run(
      const Batch& batch, int64_t steps, const StepObserver& observer) = 0;
  /// "joint" or "alternating".
  virtual const char* strategy() const = 0;
  /// What draws the tasks; null where nothing does.
  virtual const TaskSampler* drawing() const {
    return nullptr;
  }
  virtual TaskSampler* drawing() {
    return nullptr;
  }

  /// Around every backward.
  template <typename Take>
  StepReport unmoved(Take&& take) {
    warn_before();
    StepReport report = take();
    report.step = steps_ + 1;
    return report;
  }

  /// Around every step, however it is taken.
  template <typename Take>
  StepReport counted(Take&& take) {
    warn_before();
    StepReport report = take();
    report.step = ++steps_;
    warn_after(/*in_run=*/0);
    return report;
  }

  Engine engine_;
  int64_t steps_ = 0;

 private:
  void warn_before();
  void warn_after(int64_t in_run);

  int64_t epochs_ = 0;
  bool warned_of_eval_ = false;
  bool warned_of_epochs_ = false;
};

POLYTASK_API torch::serialize::OutputArchive& operator<<(
    torch::serialize::OutputArchive& archive, const Training& training);
POLYTASK_API torch::serialize::InputArchive& operator>>(
    torch::serialize::InputArchive& archive, Training& training);

} // namespace polytask
