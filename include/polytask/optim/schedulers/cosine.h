// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/optim/scheduler.h>
#include <torch/arg.h>

namespace polytask::optim {

struct POLYTASK_API CosineSchedulerOptions {
  CosineSchedulerOptions(int64_t total_steps) : total_steps_(total_steps) {}

  /// After how many steps, those of the warm-up among them, the rate is
  /// `eta_min`; more than `warmup_steps`.
  TORCH_ARG(int64_t, total_steps);
  /// Finite and at least 0; the same for all groups.
  TORCH_ARG(double, eta_min) = 0.0;
  /// How many steps the rate grows in a straight line; at least 0.
  TORCH_ARG(int64_t, warmup_steps) = 0;
  /// Times the initial rate, the rate at the start of the warm-up; finite and
  /// at least 0.
  TORCH_ARG(double, start_factor) = 1.0 / 3.0;
};

/// Half a cosine from the initial rate down to `eta_min`, after a linear
/// warm-up. With N = `total_steps`, W = `warmup_steps`, f = `start_factor`
/// and t steps:
///
///     t < W:       initial_rate * (f + (1 - f) * t / W)
///     W <= t <= N: eta_min + (initial_rate - eta_min) / 2
///                    * (1 + cos(pi * (t - W) / (N - W)))
///     N < t:       eta_min
///
/// Up to N this is PyTorch's SequentialLR of LinearLR(start_factor=f,
/// total_iters=W) and CosineAnnealingLR(T_max=N-W, eta_min=eta_min) with the
/// milestone W, and CosineAnnealingLR alone without a warm-up; after N
/// PyTorch's rate would grow again.
///
/// Source: I. Loshchilov, F. Hutter, "SGDR: Stochastic gradient descent with
/// warm restarts", ICLR 2017, equation 5, without restarts; the warm-up: P.
/// Goyal and others, "Accurate, large minibatch SGD", 2017, section 2.2,
/// https://arxiv.org/abs/1706.02677.
class POLYTASK_API CosineScheduler
    : public CloneableScheduler<CosineScheduler> {
 public:
  /// Throws on options out of range.
  explicit CosineScheduler(const CosineSchedulerOptions& options);

  std::string name() const override {
    return "CosineScheduler";
  }
  double rate(int64_t steps, double initial_rate) const override;

 private:
  CosineSchedulerOptions options_;
};

} // namespace polytask::optim
