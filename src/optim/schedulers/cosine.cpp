// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/optim/schedulers/cosine.h>

#include <cmath>
#include <numbers>

#include "checks.h"

namespace polytask::optim {

CosineScheduler::CosineScheduler(const CosineSchedulerOptions& options)
    : options_(options) {
  TORCH_CHECK_VALUE(
      options_.warmup_steps() >= 0,
      "CosineScheduler: expected warmup_steps of at least 0, but got ",
      options_.warmup_steps(),
      ".");
  TORCH_CHECK_VALUE(
      options_.total_steps() > options_.warmup_steps(),
      "CosineScheduler: expected total_steps above the ",
      options_.warmup_steps(),
      " of the warm-up, but got ",
      options_.total_steps(),
      ".");
  detail::check_not_negative(
      "CosineScheduler", "an eta_min", options_.eta_min());
  detail::check_not_negative(
      "CosineScheduler", "a start_factor", options_.start_factor());
}

double CosineScheduler::rate(int64_t steps, double initial_rate) const {
  const int64_t warmup = options_.warmup_steps();
  if (steps < warmup) {
    const double factor = options_.start_factor();
    return initial_rate *
        (factor +
         (1.0 - factor) * static_cast<double>(steps) /
             static_cast<double>(warmup));
  }
  if (steps >= options_.total_steps()) {
    return options_.eta_min();
  }
  const double passed = static_cast<double>(steps - warmup) /
      static_cast<double>(options_.total_steps() - warmup);
  return options_.eta_min() +
      (initial_rate - options_.eta_min()) / 2.0 *
      (1.0 + std::cos(std::numbers::pi * passed));
}

} // namespace polytask::optim
