// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/training/task_sampler.h>

namespace polytask {

/// Each task in proportion to its smoothed loss, so that training turns to what
/// is learned worst. Tasks not yet seen are drawn first, in order; one that
/// then turns out to have no label counts as the mean of the others until its
/// loss is seen.
///
/// Losses of different units compare badly: use it where they share one. Reads
/// the loss of each step, which waits for a device.
class POLYTASK_API ByLossSampler : public CloneableSampler<ByLossSampler> {
 public:
  /// `smoothing`: the part of the old average that each new loss keeps, at
  /// least 0 and below 1.
  explicit ByLossSampler(double smoothing = 0.9);

  bool wants_losses() const override {
    return true;
  }
  /// Throws on a loss that is negative or not finite.
  void observe(int64_t task, double loss) override;
  void pass(int64_t task) override;
  bool reads_model() const override {
    return false;
  }

 protected:
  void bind() override;
  int64_t draw() override;
  std::vector<double> values() const override {
    return losses_;
  }
  bool are_values(const std::vector<double>& values) const override;
  void set_values(const std::vector<double>& values) override {
    losses_ = values;
  }

 private:
  double smoothing_;
  /// Smoothed losses; -1 before the first, -2 once it was drawn in vain.
  std::vector<double> losses_;
};

} // namespace polytask
