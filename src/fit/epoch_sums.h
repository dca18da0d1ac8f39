// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

#include <polytask/core/archives.h>
#include <polytask/core/step_report.h>

namespace polytask::fit::detail {

/// The mean of each task's loss and weight over the steps of an epoch in which
/// it took part. Losses on an accelerator are fetched many at once.
class EpochSums {
 public:
  explicit EpochSums(int64_t tasks);

  void add(const StepReport& report);
  void reset();
  /// Whether anything was added since.
  bool has_steps() const {
    return added_ > 0;
  }

  /// NaN for a task that took no part. May wait for a device.
  std::vector<double> mean_losses();
  std::vector<double> mean_weights();

  void save(torch::serialize::OutputArchive& archive);
  void load(torch::serialize::InputArchive& archive);

 private:
  template <typename Number>
  void add_numbers(const Number* losses, const Number* weights);
  bool add_on_host(const StepReport& report);
  void fetch();
  std::vector<double> means(const std::vector<double>& sums) const;

  size_t tasks_;
  int64_t added_ = 0;
  // Of each task.
  std::vector<double> losses_;
  std::vector<double> weights_;
  std::vector<double> steps_;
  // [2, T] of each step that is not fetched yet.
  std::vector<at::Tensor> waiting_;
};

} // namespace polytask::fit::detail
