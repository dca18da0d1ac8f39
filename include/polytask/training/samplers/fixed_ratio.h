// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/training/task_sampler.h>

namespace polytask {

/// Tasks in fixed ratios and as evenly spread as they go: with {a: 2, b: 1} the
/// sequence a b a, again and again. Nothing is random.
///
/// Each draw adds its ratio to the credit of every task that takes part, takes
/// the task with the most, and subtracts the sum of those ratios from it.
class POLYTASK_API FixedRatioSampler
    : public CloneableSampler<FixedRatioSampler> {
 public:
  /// One ratio for each task, none negative.
  explicit FixedRatioSampler(TaskNumbers ratios);

  bool reads_model() const override {
    return false;
  }

 protected:
  void bind() override;
  int64_t draw() override;
  std::vector<double> values() const override {
    return credits_;
  }
  void set_values(const std::vector<double>& values) override {
    credits_ = values;
  }

 private:
  TaskNumbers ratios_;
  std::vector<double> by_task_;
  std::vector<double> credits_;
};

} // namespace polytask
