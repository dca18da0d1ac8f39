// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/joint_training.h>

#include <utility>

#include "training/engine_options.h"

namespace polytask {

namespace {

EngineOptions joint_engine_options(const JointTrainingOptions& options) {
  return detail::engine_options(options)
      .balancing(options.make_balancing())
      .head_gradients(options.head_gradients())
      .report_gradients(options.report_gradients());
}

} // namespace

std::shared_ptr<balancing::Balancing> JointTrainingOptions::make_balancing()
    const {
  if (!balancing_ || shares_balancing_) {
    return balancing_;
  }
  return balancing_->clone();
}

JointTraining::JointTraining(
    MultiTaskModel model,
    const torch::optim::OptimizerOptions& optimizer,
    JointTrainingOptions options)
    : Training(
          Engine(std::move(model), optimizer, joint_engine_options(options))) {}

JointTraining::JointTraining(
    MultiTaskModel model,
    torch::optim::Optimizer& optimizer,
    JointTrainingOptions options)
    : Training(
          Engine(std::move(model), optimizer, joint_engine_options(options))) {}

StepReport JointTraining::step(const std::vector<Batch>& batches) {
  return counted([&] { return engine_.joint_step(batches); });
}

StepReport JointTraining::backward(const std::vector<Batch>& batches) {
  return unmoved([&] { return engine_.joint_backward(batches); });
}

StepReport JointTraining::take_step(const Batch& batch) {
  return engine_.joint_step(batch);
}

StepReport JointTraining::take_backward(const Batch& batch) {
  return engine_.joint_backward(batch);
}

StepReport JointTraining::take_accumulated(const std::vector<Batch>& batches) {
  return engine_.joint_accumulated(batches);
}

StepReport JointTraining::take_run(
    const Batch& batch, int64_t steps, const StepObserver& observer) {
  return engine_.joint_run(batch, steps, observer, steps_);
}

} // namespace polytask
