// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include <polytask/fit/evaluation.h>
#include <polytask/task/task.h>
#include "engine/peers.h"

#include "joined_rows.h"

namespace polytask::fit::detail {

/// What one task's rows have given so far.
class TaskTally {
 public:
  /// Rows whose labels stay as they are may be joined with later ones.
  TaskTally(const Task& task, bool joins_rows)
      : task_(task), joins_rows_(joins_rows), states_(task.metrics().size()) {}

  void add(const at::Tensor& output, const Labels& given);
  /// What has not been observed yet.
  void finish();
  bool was_seen() const {
    return seen_;
  }

  /// The loss and the metrics, to be fetched from the device together.
  std::vector<at::Tensor> values() const;
  Evaluation::TaskValues report(
      const std::string& name, const double* values) const;

  /// After `finish`: makes each that of all processes.
  static void add_up(
      std::vector<TaskTally>& tallies, const polytask::detail::Peers& peers);

 private:
  void observe(const at::Tensor& output, const Labels& labels);
  at::Tensor mean_loss() const;
  void write_sums(double* sums) const;
  void take_sums(const double* sums);
  c10::IValue kept() const;
  void take_kept(const c10::IValue& kept);

  const Task& task_;
  bool joins_rows_;
  bool seen_ = false;
  int64_t labels_ = 0;
  std::vector<double> weights_;
  std::vector<at::Tensor> losses_;
  /// Not observed yet.
  JoinedRows joined_;
  std::vector<std::vector<MetricState>> states_;
};

} // namespace polytask::fit::detail
