// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/optim/scheduler.h>

#include <memory>
#include <vector>

namespace polytask::optim {

/// Several schedulers one after the other: each takes the rate that the one
/// before gives for its initial rate. Where all multiply the initial rate by a
/// factor, the factors are multiplied, as in PyTorch's ChainedScheduler. The
/// last that sets momentum prevails.
///
/// ```cpp
/// ChainedScheduler scheduler({&exponential, &multi_step});
/// ```
class POLYTASK_API ChainedScheduler
    : public CloneableScheduler<ChainedScheduler> {
 public:
  /// Copies the schedulers; they need not be started. Throws if there is none
  /// or one is null.
  explicit ChainedScheduler(const std::vector<const Scheduler*>& schedulers);

  /// The names of all, since `load` must find the same ones.
  std::string name() const override;
  double rate(int64_t steps, double initial_rate) const override;
  std::optional<double> momentum(int64_t steps) const override;

 private:
  std::vector<std::shared_ptr<const Scheduler>> schedulers_;
};

} // namespace polytask::optim
