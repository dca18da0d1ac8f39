// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Column-major C = alpha op(A) op(B) + beta C; LibTorch's BLAS has it.
extern "C" void sgemm_(
    const char* transpose_a,
    const char* transpose_b,
    const int* m,
    const int* n,
    const int* k,
    const float* alpha,
    const float* a,
    const int* lda,
    const float* b,
    const int* ldb,
    const float* beta,
    float* c,
    const int* ldc);

namespace polytask::benchmarks {

// A row-major matrix with `stride` floats from row to row.
struct Matrix {
  float* data;
  int rows;
  int columns;
  int stride;
};

enum class Form { kPlain, kTransposed };

// c = op(a) op(b).
inline void multiply(
    const Matrix& a, Form form_a, const Matrix& b, Form form_b, Matrix c) {
  const char transpose_a = form_a == Form::kPlain ? 'N' : 'T';
  const char transpose_b = form_b == Form::kPlain ? 'N' : 'T';
  const int inner = form_a == Form::kPlain ? a.columns : a.rows;
  const float one = 1;
  const float zero = 0;
  // Row-major matrices are transposed column-major ones: cᵀ = op(b)ᵀ op(a)ᵀ.
  sgemm_(
      &transpose_b,
      &transpose_a,
      &c.columns,
      &c.rows,
      &inner,
      &one,
      b.data,
      &b.stride,
      a.data,
      &a.stride,
      &zero,
      c.data,
      &c.stride);
}

} // namespace polytask::benchmarks
