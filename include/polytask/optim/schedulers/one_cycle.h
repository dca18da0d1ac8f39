// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/optim/scheduler.h>
#include <torch/arg.h>

#include <optional>

namespace polytask::optim {

struct POLYTASK_API OneCycleSchedulerOptions {
  /// How the rate goes from one level to the next: in half a cosine or in a
  /// straight line.
  enum class Anneal { kCosine, kLinear };

  OneCycleSchedulerOptions(int64_t total_steps) : total_steps_(total_steps) {}

  /// The length of the cycle; at least 1.
  TORCH_ARG(int64_t, total_steps);
  /// The highest rate of all groups, finite and at least 0; unless given, each
  /// group's initial rate is its highest.
  TORCH_ARG(std::optional<double>, max_lr);
  /// The part of the cycle in which the rate grows, in [0, 1].
  TORCH_ARG(double, pct_start) = 0.3;
  TORCH_ARG(Anneal, anneal_strategy) = Anneal::kCosine;
  /// Comes back to the first rate as fast as it grew, and only then goes to the
  /// last one. `pct_start` is then at most 0.5.
  TORCH_ARG(bool, three_phase) = false;
  /// The highest rate is this many times the first; positive.
  TORCH_ARG(double, div_factor) = 25.0;
  /// The first rate is this many times the last; positive.
  TORCH_ARG(double, final_div_factor) = 1e4;
  /// Moves momentum, or Adam's first beta, against the rate: from
  /// `max_momentum` to `base_momentum` and back.
  TORCH_ARG(bool, cycle_momentum) = false;
  /// In [0, 1).
  TORCH_ARG(double, base_momentum) = 0.85;
  /// In [0, 1).
  TORCH_ARG(double, max_momentum) = 0.95;
};

/// The rate grows from max / `div_factor` to its maximum and falls to
/// max / `div_factor` / `final_div_factor`, as PyTorch's OneCycleLR has it.
/// With N = `total_steps` and p = `pct_start`, levels are reached after
/// p * N - 1 steps (the maximum), with `three_phase` after 2 * p * N - 2 (the
/// first rate), and after N - 1 (the last). Later steps, which PyTorch refuses,
/// keep the last rate.
///
/// PyTorch moves momentum by default; this does so on demand.
///
/// Source: L. Smith, N. Topin, "Super-convergence: Very fast training of neural
/// networks using large learning rates", 2018,
/// https://arxiv.org/abs/1708.07120; two phases: fast.ai, as PyTorch's
/// documentation tells.
class POLYTASK_API OneCycleScheduler
    : public CloneableScheduler<OneCycleScheduler> {
 public:
  /// Throws on options out of range.
  explicit OneCycleScheduler(const OneCycleSchedulerOptions& options);

  std::string name() const override {
    return "OneCycleScheduler";
  }
  double rate(int64_t steps, double initial_rate) const override;
  std::optional<double> momentum(int64_t steps) const override;

 private:
  /// The value after `steps` steps of what goes from `first` to `top`, in
  /// three phases back to `first`, and to `last`.
  double level(int64_t steps, double first, double top, double last) const;
  double between(
      double begin, double end, double now, double from, double to) const;

  OneCycleSchedulerOptions options_;
};

} // namespace polytask::optim
