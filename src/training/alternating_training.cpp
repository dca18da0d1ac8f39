// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/alternating_training.h>

#include <utility>

#include <polytask/training/engine_options.h>
#include <polytask/training/run.h>

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

const std::string& AlternatingTraining::name(int64_t task) const {
  return engine_.model()->task_names()[static_cast<size_t>(task)];
}

StepReport AlternatingTraining::step_at(const Batch& batch, int64_t task) {
  StepObserver observe;
  if (sampler_->wants_losses()) {
    observe = [&](const StepReport& report) {
      if (report.weights[task].item<double>() != 0) {
        sampler_->observe(task, report.losses[task].item<double>());
      }
    };
  }
  StepReport report = engine_.task_step(batch, task, observe);
  report.step = ++steps_;
  return report;
}

StepReport AlternatingTraining::step(const Batch& batch) {
  return step_at(batch, sampler_->next());
}

StepReport AlternatingTraining::step(const BatchSource& source) {
  const int64_t task = sampler_->next();
  return step_at(source(name(task)), task);
}

StepReport AlternatingTraining::step_task(
    const Batch& batch, const std::string& task) {
  return step_at(batch, engine_.model()->index(task));
}

StepReport AlternatingTraining::run(
    const Batch& batch, int64_t steps, const StepObserver& observer) {
  return detail::repeat(steps, observer, [&] { return step(batch); });
}

StepReport AlternatingTraining::run(
    const BatchSource& source, int64_t steps, const StepObserver& observer) {
  return detail::repeat(steps, observer, [&] { return step(source); });
}

} // namespace polytask
