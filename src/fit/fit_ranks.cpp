// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/fit_ranks.h"

#include <ATen/Context.h>
#include <c10/util/Exception.h>

namespace polytask::fit::detail {

TaskCounts FitRanks::labels_of_all(
    const MultiTaskModel& model, const TaskCounts& own) const {
  if (!are_some()) {
    return own;
  }
  const auto size = static_cast<size_t>(model->size());
  const auto sums =
      peers_.sum_after(size + 1, [&](std::vector<double>& numbers) {
        for (const auto& [task, count] : own) {
          numbers[static_cast<size_t>(model->index(task))] +=
              static_cast<double>(count);
        }
        numbers[size] = own.empty() ? 1 : 0;
      });
  TaskCounts all;
  for (size_t task = 0; task < size && sums[size] == 0; ++task) {
    all.emplace_back(
        model->task_names()[task], static_cast<int64_t>(sums[task]));
  }
  return all;
}

bool FitRanks::of_first(bool value) const {
  return some(is_first() && value, false).first;
}

std::pair<bool, bool> FitRanks::some(bool first, bool second) const {
  const auto sums = peers_.sum_after(2, [&](std::vector<double>& numbers) {
    numbers = {first ? 1.0 : 0.0, second ? 1.0 : 0.0};
  });
  return {sums[0] > 0, sums[1] > 0};
}

void FitRanks::check_length(int64_t steps) const {
  const auto own = static_cast<double>(steps);
  const auto sums = peers_.sum_after(
      2, [&](std::vector<double>& numbers) { numbers = {own, own * own}; });
  TORCH_CHECK_VALUE(
      polytask::detail::are_same(sums[0], sums[1], peers_.size()),
      "Fit: the ranks have epochs of different length; here it has ",
      steps,
      " steps. Give all the same data, and each its LoaderOptions::shard.");
}

at::Tensor FitRanks::random_states() const {
  const at::Tensor own =
      at::globalContext().defaultGenerator(at::kCPU).get_state();
  return are_some() ? group_->gather(own) : own.unsqueeze(0);
}

void FitRanks::restore_random(const at::Tensor& states) const {
  if (states.dim() == 2 && states.size(0) == peers_.size()) {
    at::Generator generator = at::globalContext().defaultGenerator(at::kCPU);
    generator.set_state(states[peers_.rank()].clone()); // aligned
  }
}

} // namespace polytask::fit::detail
