// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/optim/schedulers/exponential.h>

#include <cmath>

#include "checks.h"

namespace polytask::optim {

ExponentialScheduler::ExponentialScheduler(
    const ExponentialSchedulerOptions& options)
    : options_(options) {
  detail::check_not_negative(
      "ExponentialScheduler", "a gamma", options_.gamma());
}

double ExponentialScheduler::rate(int64_t steps, double initial_rate) const {
  return initial_rate * std::pow(options_.gamma(), static_cast<double>(steps));
}

} // namespace polytask::optim
