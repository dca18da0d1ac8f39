// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::fit {

/// How good a model is on some rows: each task's loss and metrics.
class POLYTASK_API Evaluation {
 public:
  struct Value {
    std::string name;
    double value = 0;
    bool higher_is_better = false;
  };

  struct TaskValues {
    std::string task;
    /// How many labels are present.
    int64_t labels = 0;
    /// "loss" first, then the task's metrics in their order. NaN where there is
    /// no label, and where a metric says nothing of such rows.
    std::vector<Value> values;
  };

  Evaluation() = default;
  explicit Evaluation(std::vector<TaskValues> tasks)
      : tasks_(std::move(tasks)) {}

  /// In the model's order, without those that had no target in the data.
  const std::vector<TaskValues>& tasks() const {
    return tasks_;
  }
  const TaskValues& task(const std::string& name) const;

  /// "<task>/loss", "<task>/<metric>", or "mean/…": the unweighted mean over
  /// the tasks that have it and a label; NaN where none has one. Throws
  /// `c10::ValueError`, and lists the names there are, if there is none of that
  /// name.
  double value(const std::string& name) const;
  double operator[](const std::string& name) const {
    return value(name);
  }
  bool has(const std::string& name) const;
  bool higher_is_better(const std::string& name) const;

  /// All values by their full names: those of each task, then the means of what
  /// at least one task has.
  std::vector<Value> values() const;

 private:
  std::vector<TaskValues> tasks_;
};

/// A line for each task.
POLYTASK_API std::ostream& operator<<(
    std::ostream& stream, const Evaluation& evaluation);

} // namespace polytask::fit
