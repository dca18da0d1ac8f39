// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/optim/schedulers/step.h>

#include <cmath>

#include "checks.h"

namespace polytask::optim {

StepScheduler::StepScheduler(const StepSchedulerOptions& options)
    : options_(options) {
  detail::check_positive("StepScheduler", "a step_size", options_.step_size());
  detail::check_not_negative("StepScheduler", "a gamma", options_.gamma());
}

double StepScheduler::rate(int64_t steps, double initial_rate) const {
  const int64_t changes = steps / options_.step_size();
  return initial_rate *
      std::pow(options_.gamma(), static_cast<double>(changes));
}

} // namespace polytask::optim
