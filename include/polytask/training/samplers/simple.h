// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/training/task_sampler.h>

namespace polytask {

/// Every task that takes part with the same probability.
class POLYTASK_API UniformSampler : public CloneableSampler<UniformSampler> {
 public:
  bool reads_model() const override {
    return false;
  }

 protected:
  int64_t draw() override;
};

/// One task after the other, in the model's order, and those that take no part
/// passed over. Nothing is random.
class POLYTASK_API RoundRobinSampler
    : public CloneableSampler<RoundRobinSampler> {
 public:
  bool reads_model() const override {
    return false;
  }

 protected:
  void bind() override {
    last_ = -1;
  }
  int64_t draw() override;
  std::vector<double> values() const override {
    return {static_cast<double>(last_)};
  }
  bool are_values(const std::vector<double>& values) const override;
  void set_values(const std::vector<double>& values) override {
    last_ = static_cast<int64_t>(values[0]);
  }

 private:
  /// The task that was drawn last; -1 before the first.
  int64_t last_ = -1;
};

/// Each task that takes part in proportion to its number, such as the rows it
/// has.
class POLYTASK_API ProportionalSampler
    : public CloneableSampler<ProportionalSampler> {
 public:
  /// One number for each task, none negative.
  explicit ProportionalSampler(TaskNumbers sizes);

  bool reads_model() const override {
    return false;
  }

 protected:
  void bind() override;
  int64_t draw() override;

 private:
  TaskNumbers sizes_;
  std::vector<double> by_task_;
};

} // namespace polytask
