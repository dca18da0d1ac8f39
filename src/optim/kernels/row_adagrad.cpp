// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "row_adagrad.h"

#include <cmath>

#include "core/multiversion.h"

namespace polytask::optim::detail {

namespace {

template <typename Scalar>
POLYTASK_KERNEL void row_adagrad_body(
    const RowAdagradArrays<Scalar>& arrays,
    int64_t begin,
    int64_t end,
    double rate,
    double eps) {
  const int64_t width = arrays.width;
  for (int64_t i = begin; i < end; ++i) {
    const int64_t row = arrays.rows == nullptr ? i : arrays.rows[i];
    const Scalar* const gradient = arrays.gradient + i * width;
    Scalar* const weights = arrays.table + row * width;
    Scalar squares = 0;
#pragma omp simd reduction(+ : squares)
    for (int64_t j = 0; j < width; ++j) {
      squares += gradient[j] * gradient[j];
    }
    Scalar& sum = arrays.sums[row];
    sum += squares / static_cast<Scalar>(width);
    const Scalar step =
        static_cast<Scalar>(rate) / (std::sqrt(sum) + static_cast<Scalar>(eps));
#pragma omp simd
    for (int64_t j = 0; j < width; ++j) {
      weights[j] = weights[j] - step * gradient[j];
    }
  }
}

} // namespace

POLYTASK_MULTIVERSION(
    void,
    row_adagrad,
    row_adagrad_body,
    (const RowAdagradArrays<float>& arrays,
     int64_t begin,
     int64_t end,
     double rate,
     double eps),
    (arrays, begin, end, rate, eps))

POLYTASK_MULTIVERSION(
    void,
    row_adagrad,
    row_adagrad_body,
    (const RowAdagradArrays<double>& arrays,
     int64_t begin,
     int64_t end,
     double rate,
     double eps),
    (arrays, begin, end, rate, eps))

} // namespace polytask::optim::detail
