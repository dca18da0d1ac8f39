// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <concepts>
#include <memory>
#include <utility>
#include <vector>

#include <polytask/balancing/balancing.h>
#include <polytask/core/api.h>
#include <polytask/engine/engine.h>
#include <polytask/engine/step_options.h>
#include <polytask/training/training.h>

namespace polytask {

struct POLYTASK_API JointTrainingOptions : StepOptions<JointTrainingOptions> {
  /// What a task's own parameters learn from in a step with a balancing.
  TORCH_ARG(HeadGradients, head_gradients) = HeadGradients::kAsMethod;
  /// Report the tasks' inner products also with a method that does not need
  /// them but reads the Jacobian.
  TORCH_ARG(bool, report_gradients) = false;

 public:
  /// How the tasks are weighed; by the sum of their losses if this is not
  /// called. Each training has a copy of its own.
  template <std::derived_from<balancing::Balancing> Method>
  JointTrainingOptions& balancing(const Method& method) {
    return balancing(method.clone());
  }
  JointTrainingOptions& balancing(
      std::unique_ptr<balancing::Balancing> method) {
    balancing_ = std::move(method);
    shares_balancing_ = false;
    return *this;
  }
  /// The same, but the training uses this very method. So an optimizer of the
  /// user's own can have its `parameters()`, after `prepare(T)`.
  JointTrainingOptions& shared_balancing(
      std::shared_ptr<balancing::Balancing> method) {
    balancing_ = std::move(method);
    shares_balancing_ = true;
    return *this;
  }
  /// What a training with these options is to use; null for the plain sum.
  std::shared_ptr<balancing::Balancing> make_balancing() const;

 private:
  std::shared_ptr<balancing::Balancing> balancing_;
  bool shares_balancing_ = false;
};

/// Trains all tasks together: each step minimises the sum of their losses, each
/// times its task's weight, with one forward, one backward and one update. A
/// task without a label in the batch has the weight 0 in that step.
///
/// Where tasks should be weighed against each other, and the best whole counts
/// more than the best part, this is the strategy to take.
///
/// ```cpp
/// polytask::JointTraining joint(model, torch::optim::SGDOptions(0.5));
/// joint.run(batch, 299);
/// ```
class POLYTASK_API JointTraining : public Training {
 public:
  /// Makes an optimizer over all parameters of the model. Throws if the model
  /// has no task; add tasks before.
  JointTraining(
      MultiTaskModel model,
      const torch::optim::OptimizerOptions& optimizer,
      JointTrainingOptions options = {});
  /// Uses the caller's optimizer, which must outlive the training.
  JointTraining(
      MultiTaskModel model,
      torch::optim::Optimizer& optimizer,
      JointTrainingOptions options = {});

  /// One step. Throws, with the parameters as they were, on a batch that does
  /// not fit the model or on a loss that is not finite; the message names the
  /// task.
  using Training::step;

  /// The same for a balancing that needs several independent batches
  /// (`balancing::Balancing::batches`): it weighs the tasks by the first ones,
  /// and the update lowers the losses of the last. A bilevel one takes {inner,
  /// outer, all}; see `balancing::BilevelBalancing`.
  StepReport step(const std::vector<Batch>& batches);
  using Training::backward;
  StepReport backward(const std::vector<Batch>& batches);

 protected:
  StepReport take_step(const Batch& batch) override;
  StepReport take_backward(const Batch& batch) override;
  StepReport take_accumulated(const std::vector<Batch>& batches) override;
  StepReport take_run(
      const Batch& batch, int64_t steps, const StepObserver& observer) override;
  const char* strategy() const override {
    return "joint";
  }
};

} // namespace polytask
