// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "micro_batches.h"

#include <algorithm>
#include <utility>

namespace polytask::detail {

namespace {

// By the model's tasks.
MicroBatches weighed(
    const StepContext& context, std::vector<MicroBatch> batches) {
  const auto size = static_cast<size_t>(context.model->size());
  std::vector<double> totals(size, 0.0);
  std::vector<const HeadStep*> first(size, nullptr);
  std::vector<std::vector<double>> own;
  for (const MicroBatch& batch : batches) {
    own.emplace_back();
    for (const HeadStep& step : batch.steps) {
      const auto task = static_cast<size_t>(step.task);
      const LossFunction& loss =
          context.model->task(step.task).loss().function();
      own.back().push_back(loss.total_weight(*step.labels));
      totals[task] += own.back().back();
      first[task] = first[task] ? first[task] : &step;
    }
  }
  MicroBatches all;
  for (size_t task = 0; task < size; ++task) {
    if (first[task]) {
      all.tasks.push_back(*first[task]);
    }
  }
  for (size_t i = 0; i < batches.size(); ++i) {
    for (size_t k = 0; k < batches[i].steps.size(); ++k) {
      HeadStep& step = batches[i].steps[k];
      const double total = totals[static_cast<size_t>(step.task)];
      step.weight *= total > 0 ? own[i][k] / total : 0;
    }
  }
  all.batches = std::move(batches);
  return all;
}

} // namespace

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
    const StepContext& context, const std::vector<Batch>& batches) {
  std::vector<MicroBatch> all;
  for (const Batch& batch : batches) {
    MicroBatch& micro = all.emplace_back();
    micro.share_input = batch.shares_input();
    context.collect(batch, micro.steps);
  }
  return weighed(context, std::move(all));
}

MicroBatches collect_all(
    const StepContext& context,
    const std::vector<Batch>& batches,
    int64_t task) {
  const std::string& name = context.name(task);
  const bool lacks =
      std::none_of(batches.begin(), batches.end(), [&](const Batch& batch) {
        return batch.has(name);
      });
  std::vector<MicroBatch> all;
  for (const Batch& batch : batches) {
    if (lacks || batch.has(name)) {
      context.collect(batch, task, all.emplace_back().steps);
    }
  }
  return weighed(context, std::move(all));
}

} // namespace polytask::detail
