// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>

#include <algorithm>

#include "core/host_value.h"

#include "engine_parts.h"

// One step on several batches.

namespace polytask {

using detail::Taken;

namespace {

void check_some(const std::vector<Batch>& batches) {
  TORCH_CHECK_VALUE(
      !batches.empty(), "training: an accumulated step needs a batch.");
}

} // namespace

// Some gradients may be written where a batch is refused.
Taken Engine::Parts::take_micro(const TaskSource& source) {
  const auto batches = std::ranges::count_if(
      micro_.batches, [](const auto& batch) { return !batch.steps.empty(); });
  context.own_loss->reset(std::max<int64_t>(1, batches));
  try {
    return balanced_ ? balanced_->backward(micro_) : add_micro(source);
  } catch (...) {
    context.reset_gradients();
    throw;
  }
}

Taken Engine::Parts::add_micro(const TaskSource& source) {
  const auto size = static_cast<size_t>(context.model->size());
  std::vector<double> weights(size, 0.0);
  for (const auto& step : micro_.tasks) {
    weights[static_cast<size_t>(step.task)] = step.weight;
  }
  context.reset_gradients();
  Taken all;
  all.route = route_;
  all.report.losses =
      torch::zeros({context.model->size()}, context.tensor_options());
  all.report.weights = detail::host_vector(weights, context.tensor_options());
  for (const auto& batch : micro_.batches) {
    if (batch.steps.empty()) {
      continue;
    }
    steps_ = batch.steps;
    const Taken own = kept_.add_to(
        context.plan(), [&] { return take(batch.share_input, {}, kBackward); });
    std::vector<double> parts(size, 0.0);
    const auto found = micro_.parts(batch);
    for (size_t i = 0; i < found.size(); ++i) {
      parts[static_cast<size_t>(batch.steps[i].task)] = found[i];
    }
    all.report.losses.add_(
        own.report.losses *
        detail::host_vector(parts, own.report.losses.options()));
    all.learns = all.learns || own.learns;
    all.route = own.route;
  }
  for (const auto& step : micro_.tasks) {
    if (source.observe) {
      source.observe(step.task, all.report.losses[step.task].item<double>());
    }
  }
  return all;
}

StepReport Engine::Parts::joint_accumulated(const std::vector<Batch>& batches) {
  prepare();
  check_some(batches);
  return whole([&] {
    micro_ = detail::collect_all(context, batches);
    return take_micro({});
  });
}

StepReport Engine::Parts::task_accumulated(
    const std::vector<Batch>& batches, const TaskSource& source) {
  prepare_draw();
  check_some(batches);
  // Before anything is drawn.
  for (const Batch& batch : batches) {
    batch.check_input();
  }
  std::vector<bool> some(static_cast<size_t>(context.model->size()), false);
  for (const Batch& batch : batches) {
    context.find_takers(batch, takes_part_);
    for (size_t task = 0; task < some.size(); ++task) {
      some[task] = some[task] || takes_part_[task];
    }
  }
  const int64_t task = source.next(some);
  prepare_task(task);
  return whole([&] {
    if (task < 0) {
      return take_task(batches[0], task, source, kStep);
    }
    micro_ = detail::collect_all(context, batches, task);
    if (micro_.tasks.empty() && source.pass) {
      source.pass(task);
    }
    Taken taken = take_micro(source);
    taken.report.task = context.name(task);
    return taken;
  });
}

} // namespace polytask
