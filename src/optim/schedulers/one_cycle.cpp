// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/optim/schedulers/one_cycle.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "checks.h"

namespace polytask::optim {

namespace {

void check_divisor(const char* what, double divisor) {
  TORCH_CHECK_VALUE(
      std::isfinite(divisor) && divisor > 0,
      "OneCycleScheduler: expected a positive ",
      what,
      ", but got ",
      divisor,
      ".");
}

void check_cycled_momentum(const char* what, double momentum) {
  TORCH_CHECK_VALUE(
      momentum >= 0 && momentum < 1,
      "OneCycleScheduler: expected ",
      what,
      " in [0, 1), but got ",
      momentum,
      ".");
}

} // namespace

OneCycleScheduler::OneCycleScheduler(const OneCycleSchedulerOptions& options)
    : options_(options) {
  detail::check_positive(
      "OneCycleScheduler", "total_steps", options_.total_steps());
  if (options_.max_lr()) {
    detail::check_not_negative(
        "OneCycleScheduler", "a max_lr", *options_.max_lr());
  }
  const double greatest_part = options_.three_phase() ? 0.5 : 1.0;
  TORCH_CHECK_VALUE(
      options_.pct_start() >= 0 && options_.pct_start() <= greatest_part,
      "OneCycleScheduler: expected a pct_start in [0, ",
      greatest_part,
      "], but got ",
      options_.pct_start(),
      ".");
  check_divisor("div_factor", options_.div_factor());
  check_divisor("final_div_factor", options_.final_div_factor());
  check_cycled_momentum("a base_momentum", options_.base_momentum());
  check_cycled_momentum("a max_momentum", options_.max_momentum());
}

double OneCycleScheduler::rate(int64_t steps, double initial_rate) const {
  const double top = options_.max_lr().value_or(initial_rate);
  const double first = top / options_.div_factor();
  return level(steps, first, top, first / options_.final_div_factor());
}

std::optional<double> OneCycleScheduler::momentum(int64_t steps) const {
  if (!options_.cycle_momentum()) {
    return std::nullopt;
  }
  const double most = options_.max_momentum();
  return level(steps, most, options_.base_momentum(), most);
}

double OneCycleScheduler::level(
    int64_t steps, double first, double top, double last) const {
  const auto total = static_cast<double>(options_.total_steps());
  const auto now = static_cast<double>(steps);
  const double grown = options_.pct_start() * total - 1;
  if (now <= grown) {
    return between(0, grown, now, first, top);
  }
  if (!options_.three_phase()) {
    return between(grown, total - 1, now, top, last);
  }
  const double back = 2 * options_.pct_start() * total - 2;
  if (now <= back) {
    return between(grown, back, now, top, first);
  }
  return between(back, total - 1, now, first, last);
}

double OneCycleScheduler::between(
    double begin, double end, double now, double from, double to) const {
  // A phase of no length is over.
  const double passed =
      end > begin ? std::min((now - begin) / (end - begin), 1.0) : 1.0;
  if (options_.anneal_strategy() == OneCycleSchedulerOptions::Anneal::kLinear) {
    return (to - from) * passed + from;
  }
  return to + (from - to) / 2.0 * (std::cos(std::numbers::pi * passed) + 1.0);
}

} // namespace polytask::optim
