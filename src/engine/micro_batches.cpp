// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "micro_batches.h"

#include <algorithm>
#include <utility>

namespace polytask::detail {

namespace {

// What collect() gives, weighed.
template <typename Collect>
MicroBatches weighed(const StepContext& context, const Collect& collect) {
  const auto size = static_cast<size_t>(context.model->size());
  MicroBatches all;
  std::vector<std::vector<double>> own;
  // The labels of each task, whether it has some, the batches with any, and
  // what is trained.
  const auto sums =
      context.peers.sum_after(2 * size + 3, [&](std::vector<double>& numbers) {
        all.batches = collect();
        for (const MicroBatch& batch : all.batches) {
          own.emplace_back();
          numbers[2 * size] += batch.steps.empty() ? 0 : 1;
          for (const HeadStep& step : batch.steps) {
            const auto task = static_cast<size_t>(step.task);
            const LossFunction& loss =
                context.model->task(step.task).loss().function();
            own.back().push_back(loss.total_weight(*step.labels));
            numbers[task] += own.back().back();
            numbers[size + task] = 1;
          }
        }
        const double mark = context.mark_of_trained();
        numbers[2 * size + 1] = mark;
        numbers[2 * size + 2] = mark * mark;
      });
  TORCH_CHECK_VALUE(
      are_same(sums[2 * size + 1], sums[2 * size + 2], context.peers.size()),
      "training: the ranks do not train the same parameters any more; freeze "
      "and change the model alike on all.");
  for (size_t task = 0; task < size; ++task) {
    if (sums[size + task] > 0) {
      all.tasks.push_back(context.whole_step(static_cast<int64_t>(task)));
    }
  }
  all.forwards = static_cast<int64_t>(sums[2 * size]);
  for (size_t i = 0; i < all.batches.size(); ++i) {
    for (size_t k = 0; k < all.batches[i].steps.size(); ++k) {
      HeadStep& step = all.batches[i].steps[k];
      const double total = sums[static_cast<size_t>(step.task)];
      step.weight *= total > 0 ? own[i][k] / total : 0;
    }
  }
  return all;
}

} // namespace

bool MicroBatches::has(int64_t task) const {
  return std::ranges::any_of(
      tasks, [&](const HeadStep& step) { return step.task == task; });
}

std::vector<int64_t> MicroBatches::places(const MicroBatch& batch) const {
  std::vector<int64_t> found;
  size_t place = 0;
  for (const HeadStep& step : batch.steps) {
    while (tasks[place].task != step.task) {
      ++place;
    }
    found.push_back(static_cast<int64_t>(place));
  }
  return found;
}

std::vector<double> MicroBatches::parts(const MicroBatch& batch) const {
  std::vector<double> found;
  const auto at = places(batch);
  for (size_t i = 0; i < at.size(); ++i) {
    found.push_back(
        batch.steps[i].weight / tasks[static_cast<size_t>(at[i])].weight);
  }
  return found;
}

MicroBatches collect_all(
    const StepContext& context,
    const std::vector<Batch>& batches,
    const std::function<void()>& check) {
  return weighed(context, [&] {
    check();
    std::vector<MicroBatch> all;
    for (const Batch& batch : batches) {
      MicroBatch& micro = all.emplace_back();
      micro.share_input = batch.shares_input();
      context.collect(batch, micro.steps);
    }
    return all;
  });
}

MicroBatches collect_all(
    const StepContext& context,
    const std::vector<Batch>& batches,
    int64_t task,
    const std::function<void()>& check) {
  const std::string& name = context.name(task);
  const bool lacks = !context.peers.are_some() &&
      std::none_of(batches.begin(), batches.end(), [&](const Batch& batch) {
        return batch.has(name);
      });
  return weighed(context, [&] {
    check();
    std::vector<MicroBatch> all;
    for (const Batch& batch : batches) {
      if (lacks || batch.has(name)) {
        context.collect(batch, task, all.emplace_back().steps);
      }
    }
    return all;
  });
}

} // namespace polytask::detail
