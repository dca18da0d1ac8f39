// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <functional>
#include <memory>
#include <string>

#include <polytask/core/api.h>
#include <polytask/engine/engine.h>
#include <polytask/training/samplers/uniform.h>
#include <polytask/training/task_sampler.h>

namespace polytask {

struct POLYTASK_API AlternatingTrainingOptions {
  /// Which task comes next; uniform unless given.
  AlternatingTrainingOptions& sampler(const TaskSampler& sampler) {
    sampler_ = sampler.clone();
    return *this;
  }
  const TaskSampler& sampler() const {
    return *sampler_;
  }

  /// Seeds the sampler.
  TORCH_ARG(uint64_t, seed) = 0;
  /// Rates for the shared part and for single tasks.
  TORCH_ARG(LearningRates, learning_rates);
  /// Bounds the gradients of each update.
  TORCH_ARG(Clipping, clipping);
  /// Refuse a step whose loss is NaN or infinite (CPU only).
  TORCH_ARG(bool, check_losses) = true;
  /// Forces a route; a step that it cannot take throws, and says why.
  TORCH_ARG(Route, route) = Route::kAuto;
  /// How `run` on one batch takes its steps where tasks are linear.
  TORCH_ARG(FixedBatch, fixed_batch) = FixedBatch::kAuto;
  /// Record steps on a CUDA device as a graph and replay them while shapes stay
  /// the same. A replay overwrites the gradients of the last one in place.
  /// Not where a network's forward reads numbers on the host that change from
  /// step to step, for a graph keeps those of its recording.
  TORCH_ARG(bool, device_graph) = false;

 private:
  std::shared_ptr<const TaskSampler> sampler_ =
      std::make_shared<UniformSampler>();
};

/// The rows to train a task on, given its name; a data loader for each task,
/// for example. The batch must have that task.
using BatchSource = std::function<Batch(const std::string& task)>;

/// Trains one task at a time: each step draws a task and takes an optimizer
/// step for it alone. The step touches what the task uses, its own parameters
/// and the shared ones, and nothing else: no other task's parameters, momentum,
/// moments, step counters or weight decay.
///
/// It suits one data set that serves different tasks, and data sets of
/// different length. A task that is drawn but has no label in the batch moves
/// nothing; the report then gives it the weight 0.
///
/// ```cpp
/// polytask::AlternatingTraining alternating(
///     model,
///     torch::optim::SGDOptions(0.5),
///     AlternatingTrainingOptions().sampler(RoundRobinSampler()));
/// alternating.run(batch, 1000);
/// ```
class POLYTASK_API AlternatingTraining {
 public:
  /// Makes an optimizer over all parameters of the model. Throws if the model
  /// has no task; add tasks before.
  AlternatingTraining(
      MultiTaskModel model,
      const torch::optim::OptimizerOptions& optimizer,
      AlternatingTrainingOptions options = {});
  /// Uses the caller's optimizer, which must outlive the training and pass over
  /// parameters without a gradient, as LibTorch's do.
  AlternatingTraining(
      MultiTaskModel model,
      torch::optim::Optimizer& optimizer,
      AlternatingTrainingOptions options = {});

  /// Draws a task and steps on its part of the batch. Throws, with the
  /// parameters as they were, on a batch that lacks the task or does not fit
  /// the model, and on a loss that is not finite or that the sampler refuses;
  /// the message names the task. The draw counts all the same.
  StepReport step(const Batch& batch);
  /// Draws a task and asks for its rows.
  StepReport step(const BatchSource& source);
  /// Steps for a task of the caller's choice; nothing is drawn.
  StepReport step_task(const Batch& batch, const std::string& task);

  /// `steps` steps on one batch; the observer sees each, with the parameters
  /// after it. Returns the last report. Throws if `steps` is less than 1, and
  /// as `step` does; then the parameters are those after the last good step.
  StepReport run(
      const Batch& batch, int64_t steps, const StepObserver& observer = {});
  StepReport run(
      const BatchSource& source,
      int64_t steps,
      const StepObserver& observer = {});

  /// How many steps were taken.
  int64_t steps() const {
    return steps_;
  }
  torch::optim::Optimizer& optimizer() {
    return engine_.optimizer();
  }
  /// How the last step or run got its gradients, and why not faster; before the
  /// first, what the model allows.
  const RouteChoice& route() const {
    return engine_.route();
  }
  /// The sampler, to read or restore its state.
  TaskSampler& sampler() {
    return *sampler_;
  }

 private:
  StepReport step_at(const Batch& batch, int64_t task);
  TaskSource source();

  Engine engine_;
  std::unique_ptr<TaskSampler> sampler_;
  int64_t steps_ = 0;
};

} // namespace polytask
