// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "gemm.h"

#include <limits>

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

// BLAS counts column by column, so it is asked for outᵀ = bᵀ · aᵀ.
template <typename Scalar, typename Function>
void call_blas(
    Function function,
    int64_t m,
    int64_t n,
    int64_t k,
    const MatrixView<Scalar>& a,
    const MatrixView<Scalar>& b,
    Scalar* out,
    int64_t out_stride,
    bool accumulate) {
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

template <typename Scalar>
void call_libtorch(
    int64_t m,
    int64_t n,
    int64_t k,
    const MatrixView<Scalar>& a,
    const MatrixView<Scalar>& b,
    Scalar* out,
    int64_t out_stride,
    bool accumulate) {
  at::Tensor to = tensor_of<Scalar>({out, out_stride}, m, n);
  const at::Tensor product = at::mm(tensor_of(a, m, k), tensor_of(b, k, n));
  accumulate ? to.add_(product) : to.copy_(product);
}
#endif

} // namespace

#if POLYTASK_HAS_BLAS
#define POLYTASK_GEMM(function) \
  call_blas(function, m, n, k, a, b, out, out_stride, accumulate)
#else
#define POLYTASK_GEMM(function) \
  call_libtorch(m, n, k, a, b, out, out_stride, accumulate)
#endif

void gemm(
    int64_t m,
    int64_t n,
    int64_t k,
    MatrixView<float> a,
    MatrixView<float> b,
    float* out,
    int64_t out_stride,
    bool accumulate) {
  POLYTASK_GEMM(sgemm_);
}

void gemm(
    int64_t m,
    int64_t n,
    int64_t k,
    MatrixView<double> a,
    MatrixView<double> b,
    double* out,
    int64_t out_stride,
    bool accumulate) {
  POLYTASK_GEMM(dgemm_);
}

#undef POLYTASK_GEMM

} // namespace polytask::detail
