// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/optim/schedulers/polynomial.h>

#include <algorithm>
#include <cmath>

#include "checks.h"

namespace polytask::optim {

PolynomialScheduler::PolynomialScheduler(
    const PolynomialSchedulerOptions& options)
    : options_(options) {
  detail::check_positive(
      "PolynomialScheduler", "total_steps", options_.total_steps());
  detail::check_not_negative(
      "PolynomialScheduler", "a power", options_.power());
}

double PolynomialScheduler::rate(int64_t steps, double initial_rate) const {
  const auto total = static_cast<double>(options_.total_steps());
  const double passed = std::min(static_cast<double>(steps), total) / total;
  return initial_rate * std::pow(1.0 - passed, options_.power());
}

} // namespace polytask::optim
