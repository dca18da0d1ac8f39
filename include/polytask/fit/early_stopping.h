// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <cstdint>
#include <string>
#include <utility>

#include <polytask/core/api.h>

namespace polytask::fit {

/// What happens to a task that has stopped getting better.
enum class EachTask {
  /// All tasks are judged together.
  kTogether,
  /// Its own parameters stay as they are; what it shares still learns from it.
  kFreeze,
  /// The same, and what it shares no longer learns from it: its weight becomes
  /// 0.
  kStop,
};

/// Ends a training, or that of one task after the other, when a value of the
/// validation has stopped getting better.
///
/// ```cpp
/// FitOptions().early_stopping(EarlyStopping("mean/loss").patience(10))
/// FitOptions().early_stopping(EarlyStopping("rmse").each_task(EachTask::kStop))
/// ```
struct POLYTASK_API EarlyStopping {
  /// "<task>/<metric>" or "mean/<metric>"; with `each_task` the metric alone:
  /// tasks that have it are judged, and others, of which a warning tells, go
  /// on.
  explicit EarlyStopping(std::string metric = "mean/loss")
      : metric_(std::move(metric)) {}

  TORCH_ARG(std::string, metric);
  /// So many validations in a row may be no better; the next one ends it.
  TORCH_ARG(int64_t, patience) = 10;
  /// By how much the value has to be better to count; at least 0.
  TORCH_ARG(double, min_delta) = 0;
  /// When every task has stopped, the training ends. What was frozen, and the
  /// weight 0, stay so after it: `model->freeze(task, false)`, `Task::weight`.
  TORCH_ARG(EachTask, each_task) = EachTask::kTogether;
};

} // namespace polytask::fit
