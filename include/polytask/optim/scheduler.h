// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/archives.h>

namespace torch::optim {
class Optimizer;
} // namespace torch::optim

namespace polytask::optim {

/// Sets the learning rate of each parameter group of an optimizer anew after
/// each step.
///
/// Rates follow from the number of steps and the rate that the group had at
/// first, and from nothing else: a scheduler that is saved and loaded goes on
/// with the same bits, and rates set by hand last until the next step.
///
/// ```cpp
/// polytask::optim::ExponentialScheduler scheduler(0.99);
/// scheduler.start(optimizer);
/// for (...) { optimizer.step(); scheduler.step(); }
/// ```
class POLYTASK_API Scheduler {
 public:
  virtual ~Scheduler() = default;
  virtual std::unique_ptr<Scheduler> clone() const = 0;
  /// The kind of scheduler, by which `load` knows an archive of another.
  virtual std::string name() const = 0;

  /// The rate after `steps` steps of a group that had `initial_rate` at first.
  virtual double rate(int64_t steps, double initial_rate) const = 0;
  /// The momentum after `steps` steps, if the scheduler sets it at all.
  virtual std::optional<double> momentum(int64_t /*steps*/) const {
    return std::nullopt;
  }

  /// Takes the rates that the groups have for their initial ones and sets the
  /// rates after 0 steps. The optimizer must outlive the scheduler's use, with
  /// the groups that it has now. Throws if the scheduler sets momentum and the
  /// optimizer is none of SGD, RMSprop, Adam and AdamW.
  void start(torch::optim::Optimizer& optimizer);

  /// Counts a step and sets the rates after it. Throws before `start`, and if
  /// the optimizer has gained or lost groups.
  void step();

  /// How many steps were counted.
  int64_t steps() const {
    return steps_;
  }
  /// The rates that were set last, one for each group; none before `start`.
  const std::vector<double>& last_rates() const {
    return last_rates_;
  }
  /// The rates at `start`.
  const std::vector<double>& initial_rates() const {
    return initial_rates_;
  }

  /// Writes the kind, the number of steps and the initial rates. Options are
  /// not written. Throws before `start`.
  void save(torch::serialize::OutputArchive& archive) const;
  /// Goes on from what `save` wrote and sets the rates. Throws before `start`
  /// and, with nothing changed, on an archive that is not a scheduler's, of
  /// another kind of scheduler or of another number of groups.
  void load(torch::serialize::InputArchive& archive);

 private:
  void check_started(const char* what) const;
  void set_rates();

  torch::optim::Optimizer* optimizer_ = nullptr;
  std::vector<double> initial_rates_;
  std::vector<double> last_rates_;
  int64_t steps_ = 0;
};

/// For `torch::save` and `torch::load`.
POLYTASK_API torch::serialize::OutputArchive& operator<<(
    torch::serialize::OutputArchive& archive, const Scheduler& scheduler);
POLYTASK_API torch::serialize::InputArchive& operator>>(
    torch::serialize::InputArchive& archive, Scheduler& scheduler);

/// Gives a scheduler its `clone`.
template <typename Derived>
class CloneableScheduler : public Scheduler {
 public:
  std::unique_ptr<Scheduler> clone() const override {
    return std::make_unique<Derived>(static_cast<const Derived&>(*this));
  }
};

} // namespace polytask::optim
