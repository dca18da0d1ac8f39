// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstdint>

// What steps cost, roughly, in nanoseconds on one core: enough to choose by.

namespace polytask::detail {

struct FixedBatchJob {
  int64_t rows;
  int64_t width;
  /// Outputs of all tasks, and of the tasks in one step on average.
  int64_t outputs;
  double outputs_per_step;
  /// Eigenbases to find.
  int64_t bases;
  bool is_double;
};

/// One step that computes its residuals anew: two matrix products, which wait
/// for memory where there are few outputs.
inline double residual_step_cost(const FixedBatchJob& job) {
  const auto elements = static_cast<double>(job.rows * job.width);
  const double slower = job.is_double ? 2 : 1;
  const double arithmetic = 4 * elements * job.outputs_per_step / 60;
  const double memory = 8 * elements / 38;
  return 2000 + slower * std::max(arithmetic, memory);
}

/// XᵀX, its eigenbasis, and the data looked through twice for each output.
inline double modes_setup_cost(const FixedBatchJob& job) {
  const auto width = static_cast<double>(job.width + 1);
  const auto rows = static_cast<double>(job.rows);
  const double bases = static_cast<double>(job.bases) *
      (5000 + 2 * rows * width * width / 30 + width * width * width / 2);
  return bases +
      static_cast<double>(job.outputs) *
      (500 + (6 * rows * width + 6 * width * width) / 30);
}

/// One step in that basis.
inline double modes_step_cost(const FixedBatchJob& job) {
  const auto width = static_cast<double>(job.width + 1);
  return job.outputs_per_step * (15 + 6 * width / 4);
}

} // namespace polytask::detail
