// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <polytask/core/gradient_report.h>

namespace polytask {

/// What one training step did. The tensors are detached, on the model's device
/// and the step's own: nothing writes to them later.
struct StepReport {
  /// Counts from 1; 0 where no training counts.
  int64_t step = 0;
  /// The task that was drawn; empty in a joint step.
  std::string task;
  /// [T], in the model's task order: each task's loss before the update,
  /// without its weight; 0 for a task that took no part.
  at::Tensor losses;
  /// [T]: the factor of each loss in the update; 0 for a task that took no
  /// part (not drawn, or without a label in the batch).
  at::Tensor weights;
  /// The sharing's own loss, which the update adds to those of the tasks;
  /// undefined where it has none.
  at::Tensor sharing_loss;
  /// How the gradients stood to each other, in a joint step with a balancing
  /// that reads them.
  std::optional<GradientReport> gradients;
};

/// Sees the report of each step of a run.
using StepObserver = std::function<void(const StepReport&)>;

} // namespace polytask
