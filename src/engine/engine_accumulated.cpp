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
  context.own_loss->reset(std::max<int64_t>(1, micro_.forwards));
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
  // The losses, the sharing's own, and whether anything learns.
  const auto sums =
      context.sum_gradients_after(size + 2, [&](std::vector<double>& numbers) {
        for (const auto& batch : micro_.batches) {
          if (!batch.steps.empty()) {
            add(batch, all);
          }
        }
        if (context.peers.are_some()) {
          detail::copy_to_host(all.report.losses, numbers.data());
          numbers[size] = context.own_loss->number();
          numbers[size + 1] = all.learns ? 1 : 0;
        }
      });
  if (context.peers.are_some()) {
    all.report.losses = detail::host_vector(
        {sums.begin(), sums.begin() + context.model->size()},
        context.tensor_options());
    context.own_loss->note(sums[size], context.tensor_options());
    all.learns = sums[size + 1] > 0;
  }
  observe(all, source);
  return all;
}

void Engine::Parts::observe(
    const Taken& taken, const TaskSource& source) const {
  if (!source.observe) {
    return;
  }
  context.peers.sum_after(0, [&](std::vector<double>&) {
    for (const auto& step : micro_.tasks) {
      if (context.own_tasks.has(step.task)) {
        source.observe(
            step.task, taken.report.losses[step.task].item<double>());
      }
    }
  });
}

void Engine::Parts::add(const detail::MicroBatch& batch, Taken& all) {
  steps_ = batch.steps;
  const Taken own = kept_of_batches_.add_to(
      context.plan(), [&] { return take(batch.share_input, {}, kBackward); });
  std::vector<double> parts(static_cast<size_t>(context.model->size()), 0.0);
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

StepReport Engine::Parts::joint_accumulated(const std::vector<Batch>& batches) {
  auto micro = detail::collect_all(context, batches, [&] {
    prepare();
    check_some(batches);
  });
  return whole([&] {
    micro_ = std::move(micro);
    return take_micro({});
  });
}

StepReport Engine::Parts::joint_backward_of_all(
    const std::vector<Batch>& batches) {
  if (looks_again()) {
    refuse_among_peers("backwards of a method that looks at the losses again");
  }
  auto micro = detail::collect_all(context, batches, [&] { prepare(); });
  return added(batches.back(), [&] {
    micro_ = std::move(micro);
    return take_micro({});
  });
}

int64_t Engine::Parts::draw_of_all(
    const std::vector<Batch>& batches, const TaskSource& source) {
  const auto size = static_cast<size_t>(context.model->size());
  const auto takers =
      context.peers.sum_after(size, [&](std::vector<double>& numbers) {
        prepare_draw();
        check_some(batches);
        for (const Batch& batch : batches) {
          batch.check_input();
        }
        for (const Batch& batch : batches) {
          context.find_takers(batch, takes_part_);
          for (size_t task = 0; task < size; ++task) {
            // One that a batch lacks may be drawn by one process alone, and the
            // step then throws.
            const bool is_there = !context.peers.are_some() ||
                batch.has(context.name(static_cast<int64_t>(task)));
            numbers[task] += takes_part_[task] && is_there ? 1 : 0;
          }
        }
      });
  std::vector<bool> some;
  for (size_t task = 0; task < size; ++task) {
    some.push_back(
        takers[task] > 0 && context.own_tasks.has(static_cast<int64_t>(task)));
  }
  return agreed([&] { return source.next(some); });
}

// What all draw who train the same tasks, which is the same.
template <typename Draw>
int64_t Engine::Parts::agreed(const Draw& draw) const {
  const detail::OwnTasks& own = context.own_tasks;
  int64_t task = -1;
  const auto sums = context.peers.sum_after(
      2 * own.groups(), [&](std::vector<double>& numbers) {
        task = draw();
        if (task >= 0) {
          own.check(task, context.name(task));
        }
        const auto drawn = static_cast<double>(task);
        numbers[2 * own.group()] = drawn;
        numbers[2 * own.group() + 1] = drawn * drawn;
      });
  for (size_t i = 0; i < own.groups(); ++i) {
    TORCH_CHECK_VALUE(
        detail::are_same(
            sums[2 * i], sums[2 * i + 1], own.ranks_of(i, context.peers)),
        "training: the ranks drew different tasks; here it was ",
        task < 0 ? "none" : "'" + context.name(task) + "'",
        ". Their samplers need the same seed and the same state.");
  }
  return task;
}

template <typename Around>
StepReport Engine::Parts::take_drawn(
    const std::vector<Batch>& batches,
    int64_t task,
    const TaskSource& source,
    const Around& around) {
  if (task < 0 && context.own_tasks.are_all()) {
    return around([&] { return take_task(batches[0], task, source, kStep); });
  }
  // Other owners may have drawn one where these have none.
  auto micro = task < 0 ? detail::collect_all(context, {}, [] {})
                        : detail::collect_all(context, batches, task, [&] {
                            prepare_task(task);
                          });
  return around([&] {
    micro_ = std::move(micro);
    if (task >= 0 && source.pass && !micro_.has(task)) {
      source.pass(task);
    }
    Taken taken = take_micro(source);
    taken.report.task = task < 0 ? "" : context.name(task);
    return taken;
  });
}

StepReport Engine::Parts::task_accumulated(
    const std::vector<Batch>& batches, const TaskSource& source) {
  const int64_t task = draw_of_all(batches, source);
  return take_drawn(
      batches, task, source, [&](const auto& take) { return whole(take); });
}

StepReport Engine::Parts::task_step(
    const std::function<DrawnBatch()>& draw, const TaskSource& source) {
  std::vector<Batch> batches;
  const int64_t task = agreed([&] {
    prepare_draw();
    DrawnBatch drawn = draw();
    batches.push_back(std::move(drawn.batch));
    return drawn.task;
  });
  if (!context.peers.are_some()) {
    prepare_task(task);
    return whole([&] { return take_task(batches[0], task, source, kStep); });
  }
  return take_drawn(
      batches, task, source, [&](const auto& take) { return whole(take); });
}

StepReport Engine::Parts::task_backward_of_all(
    const Batch& batch, const TaskSource& source) {
  const int64_t task = draw_of_all({batch}, source);
  return take_drawn({batch}, task, source, [&](const auto& take) {
    return added(batch, take);
  });
}

} // namespace polytask
