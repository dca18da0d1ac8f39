// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>

namespace polytask {

/// Learning rates that differ from the optimizer's own: for what tasks share
/// and for what single tasks alone use. A rate for parameters that there are
/// not, as where nothing is shared, has no effect.
///
/// A training throws on a task that its model lacks, a task with two rates, and
/// a rate that is negative or not finite.
///
/// ```cpp
/// auto rates = polytask::LearningRates().shared(1e-4).task("speed", 1e-2);
/// polytask::JointTraining joint(
///     model, optimizer, JointTrainingOptions().learning_rates(rates));
/// ```
class POLYTASK_API LearningRates {
 public:
  LearningRates& shared(double rate) {
    shared_ = rate;
    return *this;
  }
  LearningRates& task(std::string name, double rate) {
    tasks_.emplace_back(std::move(name), rate);
    return *this;
  }

  const std::optional<double>& shared() const {
    return shared_;
  }
  const std::vector<std::pair<std::string, double>>& tasks() const {
    return tasks_;
  }
  bool empty() const {
    return !shared_ && tasks_.empty();
  }

 private:
  std::optional<double> shared_;
  std::vector<std::pair<std::string, double>> tasks_;
};

} // namespace polytask
