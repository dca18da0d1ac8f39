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
    : engine_(std::move(model), optimizer, joint_engine_options(options)) {}

JointTraining::JointTraining(
    MultiTaskModel model,
    torch::optim::Optimizer& optimizer,
    JointTrainingOptions options)
    : engine_(std::move(model), optimizer, joint_engine_options(options)) {}

StepReport JointTraining::step(const Batch& batch) {
  StepReport report = engine_.joint_step(batch);
  report.step = ++steps_;
  return report;
}

StepReport JointTraining::step(const std::vector<Batch>& batches) {
  StepReport report = engine_.joint_step(batches);
  report.step = ++steps_;
  return report;
}

StepReport JointTraining::run(
    const Batch& batch, int64_t steps, const StepObserver& observer) {
  return engine_.joint_run(batch, steps, observer, steps_);
}

} // namespace polytask
