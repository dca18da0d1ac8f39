// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace polytask::detail {

/// A matrix row by row, `stride` elements from one row to the next; read
/// transposed where it says so.
template <typename Scalar>
struct MatrixView {
  const Scalar* data;
  int64_t stride;
  bool transposed = false;
};

/// out [m, n] = a [m, k] · b [k, n] by LibTorch's BLAS, without an allocation.
void gemm(
    int64_t m,
    int64_t n,
    int64_t k,
    MatrixView<float> a,
    MatrixView<float> b,
    float* out,
    int64_t out_stride,
    bool accumulate = false);
void gemm(
    int64_t m,
    int64_t n,
    int64_t k,
    MatrixView<double> a,
    MatrixView<double> b,
    double* out,
    int64_t out_stride,
    bool accumulate = false);

} // namespace polytask::detail
