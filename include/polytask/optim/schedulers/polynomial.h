// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/optim/scheduler.h>
#include <torch/arg.h>

namespace polytask::optim {

struct POLYTASK_API PolynomialSchedulerOptions {
  PolynomialSchedulerOptions(int64_t total_steps) : total_steps_(total_steps) {}

  /// After how many steps the rate is 0; at least 1.
  TORCH_ARG(int64_t, total_steps);
  /// Finite and at least 0; 1 is a straight line.
  TORCH_ARG(double, power) = 1.0;
};

/// `initial_rate * (1 - min(steps, total_steps) / total_steps)^power`, as
/// PyTorch's PolynomialLR.
class POLYTASK_API PolynomialScheduler
    : public CloneableScheduler<PolynomialScheduler> {
 public:
  /// Throws on options out of range.
  explicit PolynomialScheduler(const PolynomialSchedulerOptions& options);

  std::string name() const override {
    return "PolynomialScheduler";
  }
  double rate(int64_t steps, double initial_rate) const override;

 private:
  PolynomialSchedulerOptions options_;
};

} // namespace polytask::optim
