// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/alternating_training.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/input_look.h"
#include "training/engine_options.h"
#include "training/run.h"

namespace polytask {

namespace {

// The tasks of some weight that this process trains.
std::vector<bool> drawn_from(const Training& training) {
  const TaskOwners& owners = training.task_owners();
  const auto& group = training.communicator();
  const MultiTaskModel& model = training.model();
  std::vector<bool> takes_part;
  for (int64_t task = 0; task < model->size(); ++task) {
    const auto& name = model->task_names()[static_cast<size_t>(task)];
    const bool is_own = owners.empty() ||
        std::ranges::count(owners.tasks_of(group ? group->rank() : 0), name) >
            0;
    takes_part.push_back(is_own && model->task(task).weight() != 0);
  }
  return takes_part;
}

} // namespace

AlternatingTraining::AlternatingTraining(
    MultiTaskModel model,
    const torch::optim::OptimizerOptions& optimizer,
    AlternatingTrainingOptions options)
    : Training(
          Engine(std::move(model), optimizer, detail::engine_options(options))),
      fixed_batch_(options.fixed_batch()),
      sampler_(options.sampler().clone()) {
  sampler_->start(engine_.model()->task_names(), options.seed());
}

AlternatingTraining::AlternatingTraining(
    MultiTaskModel model,
    torch::optim::Optimizer& optimizer,
    AlternatingTrainingOptions options)
    : Training(
          Engine(std::move(model), optimizer, detail::engine_options(options))),
      fixed_batch_(options.fixed_batch()),
      sampler_(options.sampler().clone()) {
  sampler_->start(engine_.model()->task_names(), options.seed());
}

TaskSource AlternatingTraining::source() {
  TaskSource source;
  source.next = [this](const std::vector<bool>& takes_part) {
    return sampler_->next(takes_part).value_or(-1);
  };
  source.reads_model = sampler_->reads_model();
  if (sampler_->wants_losses()) {
    source.observe = [this](int64_t task, double loss) {
      sampler_->observe(task, loss);
    };
    source.pass = [this](int64_t task) { sampler_->pass(task); };
  }
  return source;
}

template <typename Take>
StepReport AlternatingTraining::drawn_for(
    const Batch& batch, const Take& take) {
  if (!detail::InputLook::is_due_in(batch)) {
    return take();
  }
  const TaskSampler::Mark before = sampler_->mark();
  try {
    return take();
  } catch (...) {
    if (detail::InputLook::is_due_in(batch)) {
      sampler_->take_back(before);
    }
    throw;
  }
}

StepReport AlternatingTraining::take_step(const Batch& batch) {
  return drawn_for(batch, [&] { return engine_.task_step(batch, source()); });
}

StepReport AlternatingTraining::step(const BatchSource& batches) {
  const auto draw = [&]() -> DrawnBatch {
    const auto task = sampler_->next(drawn_from(*this));
    TORCH_CHECK_VALUE(
        task,
        "training: there is no task to draw; each has the weight 0, or the "
        "number 0 for the sampler.");
    const auto& name = model()->task_names()[static_cast<size_t>(*task)];
    return {batches(name), *task};
  };
  return counted([&] { return engine_.task_step(draw, source()); });
}

StepReport AlternatingTraining::step_task(
    const Batch& batch, const std::string& task) {
  const auto draw = [&]() -> DrawnBatch {
    return {batch, model()->index(task)};
  };
  return counted([&] { return engine_.task_step(draw, source()); });
}

StepReport AlternatingTraining::take_backward(const Batch& batch) {
  return drawn_for(
      batch, [&] { return engine_.task_backward(batch, source()); });
}

StepReport AlternatingTraining::take_accumulated(
    const std::vector<Batch>& batches) {
  return engine_.task_accumulated(batches, source());
}

StepReport AlternatingTraining::take_run(
    const Batch& batch, int64_t steps, const StepObserver& observer) {
  return engine_.task_run(batch, steps, source(), observer, steps_);
}

StepReport AlternatingTraining::run(
    const BatchSource& source, int64_t steps, const StepObserver& observer) {
  TORCH_CHECK_VALUE(
      fixed_batch_ != FixedBatch::kNormalEquations,
      "training: normal equations cannot take this run: its rows are asked for "
      "in each step.");
  return detail::repeat(steps, observer, [&] { return step(source); });
}

} // namespace polytask
