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
      "CosineScheduler", "a final_rate", options_.final_rate());
  detail::check_not_negative(
      "CosineScheduler", "a warmup_factor", options_.warmup_factor());
}

double CosineScheduler::rate(int64_t steps, double initial_rate) const {
  const int64_t warmup = options_.warmup_steps();
  if (steps < warmup) {
    const double factor = options_.warmup_factor();
    return initial_rate *
        (factor +
         (1.0 - factor) * static_cast<double>(steps) /
             static_cast<double>(warmup));
  }
  if (steps >= options_.total_steps()) {
    return options_.final_rate();
  }
  const double passed = static_cast<double>(steps - warmup) /
      static_cast<double>(options_.total_steps() - warmup);
  return options_.final_rate() +
      (initial_rate - options_.final_rate()) / 2.0 *
      (1.0 + std::cos(std::numbers::pi * passed));
}

} // namespace polytask::optim
