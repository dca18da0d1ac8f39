// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "gemm.h"

#include <limits>
#include <type_traits>

#include <c10/util/Exception.h>

#if POLYTASK_HAS_BLAS
// The BLAS that LibTorch was linked with, by its Fortran names: at::mm_out
// costs several allocations a call.
extern "C" {
void sgemm_(
    const char*,
    const char*,
    const int*,
    const int*,
    const int*,
    const float*,
    const float*,
    const int*,
    const float*,
    const int*,
    const float*,
    float*,
    const int*);
void dgemm_(
    const char*,
    const char*,
    const int*,
    const int*,
    const int*,
    const double*,
    const double*,
    const int*,
    const double*,
    const int*,
    const double*,
    double*,
    const int*);
}
#else
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mm.h>
#endif

namespace polytask::detail {

namespace {

#if POLYTASK_HAS_BLAS
int blas_size(int64_t size) {
  TORCH_INTERNAL_ASSERT(size <= std::numeric_limits<int>::max());
  return static_cast<int>(size);
}
#else
template <typename Scalar>
at::Tensor tensor_of(
    const MatrixView<Scalar>& view, int64_t rows, int64_t columns) {
  const auto type = c10::CppTypeToScalarType<Scalar>::value;
  auto* data = const_cast<Scalar*>(view.data);
  return view.transposed
      ? at::from_blob(data, {columns, rows}, {view.stride, 1}, type).t()
      : at::from_blob(data, {rows, columns}, {view.stride, 1}, type);
}
#endif

} // namespace

template <typename Scalar>
void gemm(
    int64_t m,
    int64_t n,
    int64_t k,
    MatrixView<Scalar> a,
    MatrixView<Scalar> b,
    Scalar* out,
    int64_t out_stride,
    bool accumulate) {
#if POLYTASK_HAS_BLAS
  // BLAS counts column by column, so it is asked for outᵀ = bᵀ · aᵀ.
  const char a_form = a.transposed ? 'T' : 'N';
  const char b_form = b.transposed ? 'T' : 'N';
  const int rows = blas_size(n);
  const int columns = blas_size(m);
  const int inner = blas_size(k);
  const int a_stride = blas_size(a.stride);
  const int b_stride = blas_size(b.stride);
  const int stride = blas_size(out_stride);
  const Scalar alpha = 1;
  const Scalar beta = accumulate ? 1 : 0;
  const auto multiply = [&](auto* function) {
    function(
        &b_form,
        &a_form,
        &rows,
        &columns,
        &inner,
        &alpha,
        b.data,
        &b_stride,
        a.data,
        &a_stride,
        &beta,
        out,
        &stride);
  };
  if constexpr (std::is_same_v<Scalar, float>) {
    multiply(sgemm_);
  } else {
    multiply(dgemm_);
  }
#else
  at::Tensor to = tensor_of<Scalar>({out, out_stride}, m, n);
  const at::Tensor product = at::mm(tensor_of(a, m, k), tensor_of(b, k, n));
  accumulate ? to.add_(product) : to.copy_(product);
#endif
}

template void gemm(
    int64_t,
    int64_t,
    int64_t,
    MatrixView<float>,
    MatrixView<float>,
    float*,
    int64_t,
    bool);
template void gemm(
    int64_t,
    int64_t,
    int64_t,
    MatrixView<double>,
    MatrixView<double>,
    double*,
    int64_t,
    bool);

} // namespace polytask::detail
