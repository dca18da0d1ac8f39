// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/optim/schedulers/chained.h>

#include <c10/util/Exception.h>

namespace polytask::optim {

ChainedScheduler::ChainedScheduler(
    const std::vector<const Scheduler*>& schedulers) {
  TORCH_CHECK_VALUE(
      !schedulers.empty(),
      "ChainedScheduler: expected at least one scheduler, but got none.");
  for (const Scheduler* scheduler : schedulers) {
    TORCH_CHECK_VALUE(
        scheduler != nullptr,
        "ChainedScheduler: expected schedulers, but got a null pointer.");
    schedulers_.push_back(scheduler->clone());
  }
}

std::string ChainedScheduler::name() const {
  std::string names;
  for (const auto& scheduler : schedulers_) {
    names += (names.empty() ? "" : ", ") + scheduler->name();
  }
  return "ChainedScheduler(" + names + ")";
}

double ChainedScheduler::rate(int64_t steps, double initial_rate) const {
  for (const auto& scheduler : schedulers_) {
    initial_rate = scheduler->rate(steps, initial_rate);
  }
  return initial_rate;
}

std::optional<double> ChainedScheduler::momentum(int64_t steps) const {
  std::optional<double> last;
  for (const auto& scheduler : schedulers_) {
    if (const auto own = scheduler->momentum(steps)) {
      last = own;
    }
  }
  return last;
}

} // namespace polytask::optim
