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

/// out [m, n] = a [m, k] · b [k, n], or with `accumulate` that added to it, for
/// float and double. LibTorch's BLAS, which allocates nothing; where it has
/// none by name, its tensor operations.
template <typename Scalar>
void gemm(
    int64_t m,
    int64_t n,
    int64_t k,
    MatrixView<Scalar> a,
    MatrixView<Scalar> b,
    Scalar* out,
    int64_t out_stride,
    bool accumulate = false);

} // namespace polytask::detail
