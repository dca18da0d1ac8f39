// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstdint>

// What steps cost, roughly, in nanoseconds on one core: enough to choose by.

namespace polytask::detail {

/// Of one core, in a nanosecond: multiplications and additions in matrix
/// products of floats, and bytes to and from memory.
inline constexpr double kFlops = 70;
inline constexpr double kBytes = 12;

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

/// The gradients of n tasks for N shared parameters, from B rows.
struct RowsJob {
  int64_t tasks;
  int64_t rows;
  int64_t parameters;
  int64_t element_size;
};

/// The Gramian of one linear layer's gradients, of B rows.
struct LayerGramianJob {
  int64_t tasks;
  int64_t rows;
  int64_t width;
  int64_t outputs;
};

/// By way of X Xᵀ [B, B]: its products with every cotangent, and of those with
/// each other.
inline double kernel_gramian_cost(const LayerGramianJob& job) {
  const auto rows = static_cast<double>(job.rows);
  const auto tasks = static_cast<double>(job.tasks);
  const auto width = static_cast<double>(job.width);
  const auto outputs = static_cast<double>(job.outputs);
  return 2 * rows *
      (rows * width + tasks * rows * outputs + tasks * tasks * outputs) /
      kFlops;
}

/// The rows [T, in · out] themselves.
inline double rows_cost(const LayerGramianJob& job) {
  return 2 * static_cast<double>(job.tasks * job.width) *
      static_cast<double>(job.rows * job.outputs) / kFlops;
}

/// Their inner products.
inline double rows_gramian_cost(const LayerGramianJob& job) {
  return rows_cost(job) +
      2 * static_cast<double>(job.tasks * job.tasks) *
      static_cast<double>(job.width * job.outputs) / kFlops;
}

/// All tasks' cotangents of one layer on their way through memory: written by
/// the layer above, read for the Gramian and for the layer below. Row by row of
/// a Jacobian, one task at a time, they stay in the cache.
inline double cotangents_cost(
    const LayerGramianJob& job, int64_t element_size) {
  return static_cast<double>(
             5 * job.tasks * job.rows * job.outputs * element_size) /
      kBytes;
}

/// One backward with the weights.
inline double weighted_backward_cost(int64_t rows, int64_t parameters) {
  return 5000 + 4 * static_cast<double>(rows * parameters) / kFlops;
}

/// Writing a Jacobian, reading it twice, for its Gramian and the update, and
/// the Gramian itself. One of more than a quarter of a gigabyte is not held
/// where there is any other way.
inline double held_rows_cost(const RowsJob& job) {
  const int64_t bytes = job.tasks * job.parameters * job.element_size;
  const double too_large = bytes > (int64_t{1} << 28) ? 1e15 : 0;
  return too_large + static_cast<double>(3 * bytes) / kBytes +
      2 * static_cast<double>(job.tasks * job.tasks * job.parameters) / kFlops;
}

// A small backward is mostly the calls of its operations, which a vectorised
// one makes once for all tasks; its arithmetic takes longer. The two meet at
// 500,000 rows × parameters.

/// One backward for each task.
inline double single_backwards_cost(const RowsJob& job) {
  return static_cast<double>(job.tasks) *
      (50'000 + 0.04 * static_cast<double>(job.rows * job.parameters));
}

/// One for all, vectorised.
inline double batched_backward_cost(const RowsJob& job) {
  return static_cast<double>(job.tasks) *
      (10'000 + 0.12 * static_cast<double>(job.rows * job.parameters));
}

/// The same, one parameter after the other, and a weighted one: slower than
/// either.
inline double streamed_backward_cost(const RowsJob& job) {
  return single_backwards_cost(job) + batched_backward_cost(job) +
      weighted_backward_cost(job.rows, job.parameters) +
      static_cast<double>(3 * job.tasks * job.parameters * job.element_size) /
      kBytes +
      2 * static_cast<double>(job.tasks * job.tasks * job.parameters) / kFlops;
}

} // namespace polytask::detail
