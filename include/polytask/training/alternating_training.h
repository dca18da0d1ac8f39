// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <functional>
#include <memory>
#include <string>

#include <polytask/core/api.h>
#include <polytask/engine/step_options.h>
#include <polytask/training/samplers/simple.h>
#include <polytask/training/task_sampler.h>
#include <polytask/training/training.h>

namespace polytask {

struct POLYTASK_API AlternatingTrainingOptions
    : StepOptions<AlternatingTrainingOptions> {
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
/// different length. Tasks of weight 0, and those that have no label in the
/// batch, are not drawn; where no task is left to draw, nothing moves, and the
/// report names none. Rows that were asked for by task may have no label: that
/// step moves nothing, and the report gives the task the weight 0.
///
/// ```cpp
/// polytask::AlternatingTraining alternating(
///     model,
///     torch::optim::SGDOptions(0.5),
///     AlternatingTrainingOptions().sampler(RoundRobinSampler()));
/// alternating.run(batch, 1000);
/// ```
class POLYTASK_API AlternatingTraining : public Training {
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
  using Training::step;
  /// Draws a task and asks for its rows. Throws if every task has the weight 0.
  StepReport step(const BatchSource& source);
  /// Steps for a task of the caller's choice; nothing is drawn.
  StepReport step_task(const Batch& batch, const std::string& task);

  using Training::run;
  /// Throws where normal equations were asked for, which are those of one
  /// batch.
  StepReport run(
      const BatchSource& source,
      int64_t steps,
      const StepObserver& observer = {});

  /// The sampler, to read or restore its state.
  TaskSampler& sampler() {
    return *sampler_;
  }

 protected:
  StepReport take_step(const Batch& batch) override;
  StepReport take_backward(const Batch& batch) override;
  StepReport take_accumulated(const std::vector<Batch>& batches) override;
  StepReport take_run(
      const Batch& batch, int64_t steps, const StepObserver& observer) override;
  const char* strategy() const override {
    return "alternating";
  }
  const TaskSampler* drawing() const override {
    return sampler_.get();
  }
  TaskSampler* drawing() override {
    return sampler_.get();
  }

 private:
  TaskSource source();
  /// A draw is taken back where the batch is refused for its input.
  template <typename Take>
  StepReport drawn_for(const Batch& batch, const Take& take);

  FixedBatch fixed_batch_;
  std::unique_ptr<TaskSampler> sampler_;
};

} // namespace polytask
