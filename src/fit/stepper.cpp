// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/stepper.h"

#include <c10/util/Exception.h>

#include <utility>

namespace polytask::fit::detail {

Stepper::Stepper(
    Training& training,
    TrainingData data,
    std::optional<TrainingData> outer,
    int64_t accumulate)
    : training_(training),
      data_(std::move(data)),
      outer_(std::move(outer)),
      accumulate_(accumulate) {
  TORCH_CHECK_VALUE(
      accumulate >= 1,
      "FitOptions: expected to accumulate at least 1 batch, but got ",
      accumulate,
      ".");
  auto* method = training.balancing();
  const int64_t batches = method ? method->batches() : 1;
  if (batches > 1) {
    joint_ = dynamic_cast<JointTraining*>(&training);
    needed_ = batches;
    TORCH_CHECK_VALUE(
        accumulate == 1,
        "FitOptions: batches cannot be accumulated with the balancing '",
        method->name(),
        "', which needs ",
        batches,
        " of them for each step.");
  } else if (accumulate > 1) {
    needed_ = accumulate;
  } else if (data_->has_tasks_apart()) {
    apart_ = dynamic_cast<AlternatingTraining*>(&training);
  }
  TORCH_CHECK_VALUE(
      !outer_ || needed_ > accumulate,
      "FitOptions: outer batches are given, but the training's balancing takes "
      "none.");
}

int64_t Stepper::per_epoch() const {
  const int64_t batches = data_->per_epoch(apart_ != nullptr);
  const int64_t own = outer_ ? needed_ - 1 : needed_;
  return accumulate_ > 1 ? (batches + own - 1) / own : batches / own;
}

bool Stepper::fetch() {
  if (apart_) {
    return true;
  }
  if (std::exchange(is_at_end_, false)) {
    return false;
  }
  if (needed_ > 1) {
    return fetch_group();
  }
  one_ = data_->next();
  return one_ != nullptr;
}

// {inner, outer, all} of a bilevel method: the second is the outer one.
bool Stepper::fetch_group() {
  group_.clear();
  while (static_cast<int64_t>(group_.size()) < needed_) {
    if (outer_ && group_.size() == 1) {
      group_.push_back(next_outer());
      continue;
    }
    const Batch* batch = data_->next();
    if (!batch) {
      is_at_end_ = accumulate_ > 1 && !group_.empty();
      return is_at_end_;
    }
    group_.push_back(*batch);
  }
  return true;
}

const Batch& Stepper::next_outer() {
  const Batch* batch = (*outer_)->next();
  batch = batch ? batch : (*outer_)->next();
  TORCH_CHECK_VALUE(batch, "Fit: the outer data gave no batch.");
  return *batch;
}

StepReport Stepper::step() {
  if (apart_) {
    return apart_->step(BatchSource(
        [&](const std::string& task) { return data_->next_of(task); }));
  }
  if (joint_) {
    return joint_->step(group_);
  }
  if (needed_ > 1) {
    return training_.step_accumulated(group_);
  }
  return training_.step(*one_);
}

} // namespace polytask::fit::detail
