// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/fit/evaluation.h>
#include <polytask/fit/history.h>

namespace polytask::fit::detail {

/// What is shown of a task, or of the mean of all; NaN for what is not known.
struct ProgressTask {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

  std::string name;
  double train_loss = kUnknown;
  double validation_loss = kUnknown;
  std::string metric; // the first one; empty where the task has none
  double value = kUnknown;
  double best = kUnknown; // of the metric, else of the validation loss
  int64_t best_epoch = 0; // 0 while there is none
};

/// A value that stands for the whole training.
struct ProgressGoal {
  std::string name; // "validation mean/loss"; empty before any validation
  double value = ProgressTask::kUnknown;
  double best = ProgressTask::kUnknown;
  int64_t best_epoch = 0;
};

/// All that is shown at a moment.
struct ProgressMoment {
  int64_t epoch = 0;  // that goes on, from 1
  int64_t epochs = 0; // 0 for these where nobody knows
  int64_t step = 0;
  int64_t steps = 0;
  bool has_ended = false; // the epoch
  int64_t step_of_epoch = 0;
  int64_t steps_per_epoch = 0;
  double steps_per_second = ProgressTask::kUnknown;
  double seconds_left = ProgressTask::kUnknown;
  std::string note; // "validating"
  std::vector<ProgressTask> tasks;
  ProgressTask mean;
  ProgressGoal goal;

  /// How much of the epoch, and of all, is done, from 0 to 1; NaN where nobody
  /// knows.
  double part_of_epoch() const;
  double part_done() const;
};

/// Keeps the tasks' numbers from one moment to the next. Of several validation
/// sets it keeps the one that came first.
class POLYTASK_API ProgressNumbers {
 public:
  ProgressNumbers(const std::vector<std::string>& tasks, std::string goal);

  /// One for each task, NaN where it took no part.
  void see_losses(const std::vector<double>& losses);
  /// Of an epoch's steps.
  void see_training(const HistoryRecord& record);
  /// Of what came before, the history tells the best values.
  void see(
      const std::string& split,
      const Evaluation& evaluation,
      int64_t epoch,
      const History& before);

  void write_to(ProgressMoment& moment) const;

 private:
  std::string goal_name_;
  std::string split_; // empty before the first validation
  std::vector<ProgressTask> tasks_;
  ProgressTask mean_;
  ProgressGoal goal_;
};

} // namespace polytask::fit::detail
