// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/progress_numbers.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace polytask::fit::detail {

namespace {

struct BestSeen {
  double value = ProgressTask::kUnknown;
  int64_t epoch = 0;

  void see(double other, int64_t at, bool higher_is_better) {
    const bool is_better =
        higher_is_better ? other > value : other < value; // never with NaN
    if (is_better || (std::isnan(value) && !std::isnan(other))) {
      value = other;
      epoch = at;
    }
  }

  void see(
      const History& history,
      const std::string& split,
      const std::string& name,
      bool higher_is_better) {
    for (const auto& record : history.records()) {
      if (record.split != split) {
        continue;
      }
      for (const auto& [key, known] : record.values) {
        if (key == name) {
          see(known, record.epoch, higher_is_better);
        }
      }
    }
  }
};

// What came `before` is looked at once.
template <typename Shown>
void keep_best(
    Shown& shown,
    const Evaluation::Value& now,
    int64_t epoch,
    const std::string& split,
    const History* before) {
  BestSeen best{shown.best, shown.best_epoch};
  if (before) {
    best.see(*before, split, now.name, now.higher_is_better);
  }
  best.see(now.value, epoch, now.higher_is_better);
  shown.best = best.value;
  shown.best_epoch = best.epoch;
}

} // namespace

double ProgressMoment::part_of_epoch() const {
  if (has_ended) {
    return 1;
  }
  return steps_per_epoch > 0 ? static_cast<double>(step_of_epoch) /
          static_cast<double>(steps_per_epoch)
                             : ProgressTask::kUnknown;
}

double ProgressMoment::part_done() const {
  if (steps > 0) {
    return static_cast<double>(step) / static_cast<double>(steps);
  }
  if (epochs == 0) {
    return ProgressTask::kUnknown;
  }
  const double of_epoch = part_of_epoch();
  const auto before = static_cast<double>(std::max<int64_t>(epoch - 1, 0));
  return (before + (std::isnan(of_epoch) ? 0 : of_epoch)) /
      static_cast<double>(epochs);
}

ProgressNumbers::ProgressNumbers(
    const std::vector<std::string>& tasks, std::string goal)
    : goal_name_(std::move(goal)) {
  for (const auto& task : tasks) {
    tasks_.emplace_back().name = task;
  }
  mean_.name = "mean";
}

void ProgressNumbers::see_losses(const std::vector<double>& losses) {
  double sum = 0;
  int64_t count = 0;
  for (size_t i = 0; i < std::min(losses.size(), tasks_.size()); ++i) {
    tasks_[i].train_loss = losses[i];
    if (!std::isnan(losses[i])) {
      sum += losses[i];
      ++count;
    }
  }
  mean_.train_loss =
      count > 0 ? sum / static_cast<double>(count) : ProgressTask::kUnknown;
}

void ProgressNumbers::see_training(const HistoryRecord& record) {
  for (const auto& [name, value] : record.values) {
    if (name == "mean/loss") {
      mean_.train_loss = value;
    }
    for (auto& task : tasks_) {
      if (name == task.name + "/loss") {
        task.train_loss = value;
      }
    }
  }
}

void ProgressNumbers::see(
    const std::string& split,
    const Evaluation& evaluation,
    int64_t epoch,
    const History& before) {
  const History* is_first = split_.empty() ? &before : nullptr;
  if (is_first) {
    split_ = split;
  } else if (split != split_) {
    return;
  }
  std::vector<std::string> metrics;
  for (const auto& seen : evaluation.tasks()) {
    const auto task =
        std::find_if(tasks_.begin(), tasks_.end(), [&](const auto& other) {
          return other.name == seen.task;
        });
    if (task == tasks_.end() || seen.values.empty()) {
      continue;
    }
    task->validation_loss = seen.values[0].value;
    Evaluation::Value shown = seen.values[0];
    if (seen.values.size() > 1) {
      shown = seen.values[1];
      task->metric = shown.name;
      task->value = shown.value;
    }
    metrics.push_back(task->metric);
    shown.name = seen.task + '/' + shown.name;
    keep_best(*task, shown, epoch, split, is_first);
  }
  // A mean over tasks of different metrics says nothing.
  const bool is_one_metric = !metrics.empty() && !metrics[0].empty() &&
      std::all_of(metrics.begin(), metrics.end(), [&](const auto& other) {
        return other == metrics[0];
      });
  const std::string mean_name =
      std::string("mean/") + (is_one_metric ? metrics[0] : "loss");
  for (const auto& value : evaluation.values()) {
    if (value.name == "mean/loss") {
      mean_.validation_loss = value.value;
    }
    if (value.name == mean_name) {
      if (is_one_metric) {
        mean_.metric = metrics[0];
        mean_.value = value.value;
      }
      keep_best(mean_, value, epoch, split, is_first);
    }
    if (value.name == goal_name_) {
      goal_.name = split + ' ' + goal_name_;
      goal_.value = value.value;
      keep_best(goal_, value, epoch, split, is_first);
    }
  }
}

void ProgressNumbers::write_to(ProgressMoment& moment) const {
  moment.tasks = tasks_;
  moment.mean = mean_;
  moment.goal = goal_;
}

} // namespace polytask::fit::detail
