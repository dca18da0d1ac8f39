// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

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

  /// One step on the batch. If it throws, no parameter has moved and nothing
  /// was counted; running statistics may have, for the forward came first.
  ///
  /// Warns, once in the life of the training, where the model was left in eval
  /// mode.
  StepReport step(const Batch& batch);

  /// `steps` steps on one batch; the observer sees each, with the parameters
  /// after it. Returns the last report. Throws if `steps` is less than 1, and
  /// as `step` does; then the parameters are those after the last good step.
  StepReport run(
      const Batch& batch, int64_t steps, const StepObserver& observer = {});

  /// Tells the balancing and the sampler that an epoch has ended. Whoever owns
  /// the loop calls it; methods that learn from epoch to epoch
  /// (`balancing::Balancing::counts_epochs`) learn nothing without it, and a
  /// training with such a method that takes many steps without it warns once.
  virtual void end_epoch();

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
