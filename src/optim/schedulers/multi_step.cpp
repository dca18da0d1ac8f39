// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/optim/schedulers/multi_step.h>

#include <algorithm>
#include <cmath>

#include "checks.h"

namespace polytask::optim {

MultiStepScheduler::MultiStepScheduler(MultiStepSchedulerOptions options)
    : options_(std::move(options)) {
  for (const int64_t milestone : options_.milestones()) {
    detail::check_positive("MultiStepScheduler", "milestones", milestone);
  }
  detail::check_not_negative("MultiStepScheduler", "a gamma", options_.gamma());
}

double MultiStepScheduler::rate(int64_t steps, double initial_rate) const {
  const auto passed = std::ranges::count_if(
      options_.milestones(),
      [steps](int64_t milestone) { return milestone <= steps; });
  return initial_rate * std::pow(options_.gamma(), static_cast<double>(passed));
}

} // namespace polytask::optim
