// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/batch.h>
#include <polytask/core/communicator.h>
#include <polytask/core/step_report.h>
#include <polytask/model/multi_task_model.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

// A job of which each rank has its part, in double.
namespace polytask::testing {

constexpr int64_t kRankedRows = 23;

/// Three tasks "a", "b c" and "class" behind a "trunk", "experts", "own
/// experts" of each task, or "soft" sharing.
MultiTaskModel ranked_model(const std::string& kind);
/// Copies of it for so many ranks, of which the first alone has its weights.
std::vector<MultiTaskModel> models_of_ranks(
    const MultiTaskModel& model, int64_t ranks);

/// Labels of "b c" are missing here and there; those of "class" stand in the
/// last rows alone, unless `everywhere`.
struct RankedRows {
  torch::Tensor input;
  Batch::Targets targets;
  Batch::Targets weights;

  explicit RankedRows(int64_t seed, bool everywhere = false);

  /// Those from `begin` to `end`; each task by itself if `apart`.
  Batch part(int64_t begin, int64_t end, bool apart = false) const;
  Batch whole(bool apart = false) const {
    return part(0, kRankedRows, apart);
  }
  /// Of one rank: the last has the most.
  Batch part_of(const Communicator& group, bool apart = false) const;
};

/// What a training left.
struct RankedRun {
  std::vector<torch::Tensor> losses;
  std::vector<torch::Tensor> weights;
  std::vector<torch::Tensor> parameters;

  void note(const StepReport& report);
  void note(const MultiTaskModel& model);
};

void expect_same_run(const RankedRun& a, const RankedRun& b);

} // namespace polytask::testing
