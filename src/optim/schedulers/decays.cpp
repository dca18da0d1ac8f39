// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/optim/schedulers/decays.h>

#include <algorithm>
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

ExponentialScheduler::ExponentialScheduler(
    const ExponentialSchedulerOptions& options)
    : options_(options) {
  detail::check_not_negative(
      "ExponentialScheduler", "a gamma", options_.gamma());
}

double ExponentialScheduler::rate(int64_t steps, double initial_rate) const {
  return initial_rate * std::pow(options_.gamma(), static_cast<double>(steps));
}

LinearScheduler::LinearScheduler(const LinearSchedulerOptions& options)
    : options_(options) {
  detail::check_positive(
      "LinearScheduler", "total_iters", options_.total_iters());
  detail::check_not_negative(
      "LinearScheduler", "a start_factor", options_.start_factor());
  detail::check_not_negative(
      "LinearScheduler", "an end_factor", options_.end_factor());
}

double LinearScheduler::rate(int64_t steps, double initial_rate) const {
  const auto total = static_cast<double>(options_.total_iters());
  const double passed = std::min(static_cast<double>(steps), total) / total;
  const double range = options_.end_factor() - options_.start_factor();
  return initial_rate * (options_.start_factor() + range * passed);
}

PolynomialScheduler::PolynomialScheduler(
    const PolynomialSchedulerOptions& options)
    : options_(options) {
  detail::check_positive(
      "PolynomialScheduler", "total_iters", options_.total_iters());
  detail::check_not_negative(
      "PolynomialScheduler", "a power", options_.power());
}

double PolynomialScheduler::rate(int64_t steps, double initial_rate) const {
  const auto total = static_cast<double>(options_.total_iters());
  const double passed = std::min(static_cast<double>(steps), total) / total;
  return initial_rate * std::pow(1.0 - passed, options_.power());
}

} // namespace polytask::optim
