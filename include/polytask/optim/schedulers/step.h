// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/optim/scheduler.h>
#include <torch/arg.h>

namespace polytask::optim {

struct POLYTASK_API StepSchedulerOptions {
  StepSchedulerOptions(int64_t step_size) : step_size_(step_size) {}

  /// How many steps pass from one change to the next; at least 1.
  TORCH_ARG(int64_t, step_size);
  /// The factor of each change, finite and at least 0.
  TORCH_ARG(double, gamma) = 0.1;
};

/// `initial_rate * gamma^floor(steps / step_size)`, as PyTorch's StepLR.
class POLYTASK_API StepScheduler : public CloneableScheduler<StepScheduler> {
 public:
  /// Throws on options out of range.
  explicit StepScheduler(const StepSchedulerOptions& options);

  std::string name() const override {
    return "StepScheduler";
  }
  double rate(int64_t steps, double initial_rate) const override;

 private:
  StepSchedulerOptions options_;
};

} // namespace polytask::optim
