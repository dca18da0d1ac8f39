// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/fit/training_data.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace polytask::fit::detail {

/// Fetches what one step of a training needs, and takes it: a batch, the rows
/// of the task that is drawn, several batches to be accumulated, or those that
/// a balancing asks for.
class Stepper {
 public:
  Stepper(
      Training& training,
      TrainingData data,
      std::optional<TrainingData> outer,
      int64_t accumulate);

  /// How many steps an epoch has; 0 where only the batches tell.
  int64_t per_epoch() const;
  /// Whether the batches never say that an epoch is at its end.
  bool is_endless() const {
    return apart_ != nullptr;
  }

  /// False at the end of an epoch; what is left of it is too little for a step.
  bool fetch();
  /// Once after each `fetch` that was true.
  StepReport step();

  /// Whether the batches have said that the epoch is at its end, and the next
  /// `fetch` is to say so; a checkpoint keeps it.
  bool is_at_end() const {
    return is_at_end_;
  }
  void set_at_end(bool at_end) {
    is_at_end_ = at_end;
  }

 private:
  bool fetch_group();
  const Batch& next_outer();

  Training& training_;
  TrainingData data_;
  std::optional<TrainingData> outer_;
  /// Where tasks have data sets of their own.
  AlternatingTraining* apart_ = nullptr;
  /// Where a step takes several batches.
  JointTraining* joint_ = nullptr;
  /// How many batches a balancing asks for, or are accumulated.
  int64_t needed_ = 1;
  int64_t accumulate_ = 1;
  const Batch* one_ = nullptr;
  std::vector<Batch> group_;
  bool is_at_end_ = false;
};

} // namespace polytask::fit::detail
