// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/alternating_training.h>

#include <utility>

#include "training/engine_options.h"
#include "training/run.h"

namespace polytask {

AlternatingTraining::AlternatingTraining(
    MultiTaskModel model,
    const torch::optim::OptimizerOptions& optimizer,
    AlternatingTrainingOptions options)
    : engine_(std::move(model), optimizer, detail::engine_options(options)),
      sampler_(options.sampler().clone()) {
  sampler_->start(engine_.model()->task_names(), options.seed());
}

AlternatingTraining::AlternatingTraining(
    MultiTaskModel model,
    torch::optim::Optimizer& optimizer,
    AlternatingTrainingOptions options)
    : engine_(std::move(model), optimizer, detail::engine_options(options)),
      sampler_(options.sampler().clone()) {
  sampler_->start(engine_.model()->task_names(), options.seed());
}

TaskSource AlternatingTraining::source() {
  TaskSource source;
  source.next = [this] { return sampler_->next(); };
  if (sampler_->wants_losses()) {
    source.observe = [this](int64_t task, double loss) {
      sampler_->observe(task, loss);
    };
  }
  return source;
}

StepReport AlternatingTraining::step_at(const Batch& batch, int64_t task) {
  StepReport report = engine_.task_step(batch, task, source());
  report.step = ++steps_;
  return report;
}

StepReport AlternatingTraining::step(const Batch& batch) {
  return step_at(batch, sampler_->next());
}

StepReport AlternatingTraining::step(const BatchSource& batches) {
  const int64_t task = sampler_->next();
  return step_at(
      batches(engine_.model()->task_names()[static_cast<size_t>(task)]), task);
}

StepReport AlternatingTraining::step_task(
    const Batch& batch, const std::string& task) {
  return step_at(batch, engine_.model()->index(task));
}

StepReport AlternatingTraining::run(
    const Batch& batch, int64_t steps, const StepObserver& observer) {
  return engine_.task_run(batch, steps, source(), observer, steps_);
}

StepReport AlternatingTraining::run(
    const BatchSource& source, int64_t steps, const StepObserver& observer) {
  return detail::repeat(steps, observer, [&] { return step(source); });
}

} // namespace polytask
