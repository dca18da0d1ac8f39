// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

namespace polytask::detail {

/// Elements of a buffer that is to stay in a core's cache.
inline constexpr int64_t kCachedElements = 1 << 19;

/// Makes `buffer` a tensor of this shape, in the memory it has where it can.
void reserve(
    torch::Tensor& buffer,
    at::IntArrayRef shape,
    const torch::TensorOptions& options);

/// Whether kernels of the engine's own can take it.
inline bool is_host_real(const torch::Tensor& tensor) {
  return tensor.device().is_cpu() && tensor.is_contiguous() &&
      (tensor.scalar_type() == torch::kFloat ||
       tensor.scalar_type() == torch::kDouble);
}

/// Calls run(float()) or run(double()).
template <typename Run>
void as_real(at::ScalarType type, const Run& run) {
  if (type == torch::kFloat) {
    run(float{});
  } else {
    run(double{});
  }
}

/// Outputs [begin, end) of a linear layer.
struct OutputRange {
  int64_t begin;
  int64_t end;
};

/// For each of the n tasks: rows [n, range · in] = slopes [n, B, out] of these
/// outputs, transposed, times input [B, in]. Rows may stand apart. Slopes are
/// given as a matrix [n · B, out].
void products_over_rows(
    const torch::Tensor& slopes,
    OutputRange range,
    const torch::Tensor& input,
    const torch::Tensor& rows);

/// rows [n, offset … offset + out) = Σ over B of slopes [n, B, out], which are
/// given as a matrix [n · B, out].
void sum_over_rows(
    const torch::Tensor& slopes, const torch::Tensor& rows, int64_t offset);

} // namespace polytask::detail
