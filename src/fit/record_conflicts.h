// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/fit/callback.h>
#include <polytask/fit/fit.h>
#include <polytask/training/conflict_recorder.h>

#include <cstdint>

namespace polytask::fit::detail {

/// Records how the gradients stand to each other in every so many steps; since
/// a resume, where there was one.
class RecordConflicts : public Callback {
 public:
  RecordConflicts(const MultiTaskModel& model, int64_t every)
      : recorder_(model), every_(every) {}

  void on_step_end(Fit& fit, const StepReport& report) override {
    if (fit.step() % every_ == 0 && report.gradients) {
      recorder_.add(report);
    }
  }

  const ConflictRecorder& recorder() const {
    return recorder_;
  }

 private:
  ConflictRecorder recorder_;
  int64_t every_;
};

} // namespace polytask::fit::detail
