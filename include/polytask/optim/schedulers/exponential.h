// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/optim/scheduler.h>
#include <torch/arg.h>

namespace polytask::optim {

struct POLYTASK_API ExponentialSchedulerOptions {
  ExponentialSchedulerOptions(double gamma) : gamma_(gamma) {}

  /// The factor of each step, finite and at least 0.
  TORCH_ARG(double, gamma);
};

/// `initial_rate * gamma^steps`, as PyTorch's ExponentialLR.
class POLYTASK_API ExponentialScheduler
    : public CloneableScheduler<ExponentialScheduler> {
 public:
  /// Throws on options out of range.
  explicit ExponentialScheduler(const ExponentialSchedulerOptions& options);

  std::string name() const override {
    return "ExponentialScheduler";
  }
  double rate(int64_t steps, double initial_rate) const override;

 private:
  ExponentialSchedulerOptions options_;
};

} // namespace polytask::optim
