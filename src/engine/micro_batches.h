// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <vector>

#include "step_context.h"

namespace polytask::detail {

/// One of the batches that make one step together: in it, a task has the weight
/// that its labels have among all of the step, times the task's.
struct MicroBatch {
  HeadSteps steps;
  bool share_input = false;
};

/// Batches as one step, whose losses are means over all their labels.
struct MicroBatches {
  std::vector<MicroBatch> batches;
  /// The tasks of the whole step, each once, with its own weight; without a
  /// label where only other processes have some.
  HeadSteps tasks;
  /// Those with a label, of all processes.
  int64_t forwards = 0;

  bool has(int64_t task) const;
  /// The places in `tasks` of a batch's.
  std::vector<int64_t> places(const MicroBatch& batch) const;
  /// What part of a task's labels each task of a batch has.
  std::vector<double> parts(const MicroBatch& batch) const;
};

/// For a joint step, after `check`, with what other processes have. The batches
/// must outlive what this gives.
MicroBatches collect_all(
    const StepContext& context,
    const std::vector<Batch>& batches,
    const std::function<void()>& check);
/// For a step of one task, which some of the batches may lack; throws where all
/// do, but not among several processes.
MicroBatches collect_all(
    const StepContext& context,
    const std::vector<Batch>& batches,
    int64_t task,
    const std::function<void()>& check);

} // namespace polytask::detail
