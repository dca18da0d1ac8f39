// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/optim/scheduler.h>
#include <torch/arg.h>

#include <utility>
#include <vector>

namespace polytask::optim {

struct POLYTASK_API MultiStepSchedulerOptions {
  MultiStepSchedulerOptions(std::vector<int64_t> milestones)
      : milestones_(std::move(milestones)) {}

  /// After how many steps the rate changes, in any order; a number that stands
  /// twice counts twice. None is less than 1.
  TORCH_ARG(std::vector<int64_t>, milestones);
  /// The factor of each change, finite and at least 0.
  TORCH_ARG(double, gamma) = 0.1;
};

/// `initial_rate * gamma^(number of milestones <= steps)`, as PyTorch's
/// MultiStepLR.
class POLYTASK_API MultiStepScheduler
    : public CloneableScheduler<MultiStepScheduler> {
 public:
  /// Throws on options out of range.
  explicit MultiStepScheduler(MultiStepSchedulerOptions options);

  std::string name() const override {
    return "MultiStepScheduler";
  }
  double rate(int64_t steps, double initial_rate) const override;

 private:
  MultiStepSchedulerOptions options_;
};

} // namespace polytask::optim
