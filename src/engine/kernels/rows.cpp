// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "rows.h"

#include "core/multiversion.h"

namespace polytask::detail {

namespace {

template <typename Scalar>
POLYTASK_KERNEL void dot_rows_body(
    const Scalar* input,
    int64_t rows,
    int64_t width,
    const Scalar* __restrict vector,
    Scalar* out) {
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    const Scalar* __restrict a = input + i * width;
    const Scalar* __restrict b = a + width;
    const Scalar* __restrict c = b + width;
    const Scalar* __restrict d = c + width;
    Scalar sum_a = 0;
    Scalar sum_b = 0;
    Scalar sum_c = 0;
    Scalar sum_d = 0;
#pragma omp simd reduction(+ : sum_a, sum_b, sum_c, sum_d)
    for (int64_t k = 0; k < width; ++k) {
      const Scalar v = vector[k];
      sum_a += a[k] * v;
      sum_b += b[k] * v;
      sum_c += c[k] * v;
      sum_d += d[k] * v;
    }
    out[i] = sum_a;
    out[i + 1] = sum_b;
    out[i + 2] = sum_c;
    out[i + 3] = sum_d;
  }
  for (; i < rows; ++i) {
    const Scalar* __restrict row = input + i * width;
    Scalar sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t k = 0; k < width; ++k) {
      sum += row[k] * vector[k];
    }
    out[i] = sum;
  }
}

template <typename Scalar>
POLYTASK_KERNEL void add_rows_body(
    const Scalar* input,
    int64_t rows,
    int64_t width,
    const Scalar* factors,
    Scalar* __restrict sum) {
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    const Scalar* __restrict a = input + i * width;
    const Scalar* __restrict b = a + width;
    const Scalar* __restrict c = b + width;
    const Scalar* __restrict d = c + width;
    const Scalar fa = factors[i];
    const Scalar fb = factors[i + 1];
    const Scalar fc = factors[i + 2];
    const Scalar fd = factors[i + 3];
#pragma omp simd
    for (int64_t k = 0; k < width; ++k) {
      sum[k] += (fa * a[k] + fb * b[k]) + (fc * c[k] + fd * d[k]);
    }
  }
  for (; i < rows; ++i) {
    const Scalar* __restrict row = input + i * width;
    const Scalar factor = factors[i];
#pragma omp simd
    for (int64_t k = 0; k < width; ++k) {
      sum[k] += factor * row[k];
    }
  }
}

} // namespace

#define POLYTASK_FOR_BOTH(name, Scalar, Given, Result) \
  POLYTASK_MULTIVERSION(                               \
      void,                                            \
      name,                                            \
      name##_body,                                     \
      (const Scalar* input,                            \
       int64_t rows,                                   \
       int64_t width,                                  \
       const Scalar* Given,                            \
       Scalar* Result),                                \
      (input, rows, width, Given, Result))
POLYTASK_FOR_BOTH(dot_rows, float, vector, out)
POLYTASK_FOR_BOTH(dot_rows, double, vector, out)
POLYTASK_FOR_BOTH(add_rows, float, factors, sum)
POLYTASK_FOR_BOTH(add_rows, double, factors, sum)
#undef POLYTASK_FOR_BOTH

} // namespace polytask::detail
