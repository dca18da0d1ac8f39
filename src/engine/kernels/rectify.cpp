// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "rectify.h"

#include <algorithm>

#include "core/multiversion.h"

namespace polytask::detail {

namespace {

template <bool kRectify, typename Scalar>
POLYTASK_KERNEL void add_bias_body(
    Scalar* values, const Scalar* bias, int64_t rows, int64_t width) {
  for (int64_t i = 0; i < rows; ++i) {
    Scalar* row = values + i * width;
#pragma omp simd
    for (int64_t j = 0; j < width; ++j) {
      const Scalar value = row[j] + (bias ? bias[j] : Scalar(0));
      // Comparing this way round keeps NaN, as LibTorch does.
      row[j] = kRectify && value < 0 ? Scalar(0) : value;
    }
  }
}

template <typename Scalar>
POLYTASK_KERNEL void rectify_gradient_body(
    Scalar* gradient, const Scalar* outputs, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    gradient[i] = outputs[i] <= 0 ? Scalar(0) : gradient[i];
  }
}

template <typename Scalar>
POLYTASK_KERNEL void add_body(
    Scalar* values, const Scalar* more, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    values[i] += more[i];
  }
}

// Some rows at a time, so that a long sum does not swallow its last terms, and
// a strip of columns at a time, so that its sums stay in registers.
template <typename Scalar>
POLYTASK_KERNEL void sum_rows_body(
    const Scalar* values, int64_t rows, int64_t width, Scalar* sums) {
  constexpr int64_t kStrip = 64;
  constexpr int64_t kTogether = 256;
  for (int64_t begin = 0; begin < width; begin += kStrip) {
    const int64_t count = std::min(kStrip, width - begin);
    Scalar total[kStrip] = {};
    for (int64_t first = 0; first < rows; first += kTogether) {
      const int64_t last = std::min(first + kTogether, rows);
      Scalar strip[kStrip] = {};
      if (count == kStrip) {
        for (int64_t i = first; i < last; ++i) {
          const Scalar* row = values + i * width + begin;
#pragma omp simd
          for (int64_t j = 0; j < kStrip; ++j) {
            strip[j] += row[j];
          }
        }
      } else {
        for (int64_t i = first; i < last; ++i) {
          const Scalar* row = values + i * width + begin;
          for (int64_t j = 0; j < count; ++j) {
            strip[j] += row[j];
          }
        }
      }
      for (int64_t j = 0; j < count; ++j) {
        total[j] += strip[j];
      }
    }
    std::copy_n(total, count, sums + begin);
  }
}

} // namespace

#define POLYTASK_FOR_BOTH(Scalar)                                         \
  POLYTASK_MULTIVERSION(                                                  \
      void,                                                               \
      add_bias_and_rectify,                                               \
      add_bias_body<true>,                                                \
      (Scalar * values, const Scalar* bias, int64_t rows, int64_t width), \
      (values, bias, rows, width))                                        \
  POLYTASK_MULTIVERSION(                                                  \
      void,                                                               \
      add_bias,                                                           \
      add_bias_body<false>,                                               \
      (Scalar * values, const Scalar* bias, int64_t rows, int64_t width), \
      (values, bias, rows, width))                                        \
  POLYTASK_MULTIVERSION(                                                  \
      void,                                                               \
      rectify_gradient,                                                   \
      rectify_gradient_body,                                              \
      (Scalar * gradient, const Scalar* outputs, int64_t count),          \
      (gradient, outputs, count))                                         \
  POLYTASK_MULTIVERSION(                                                  \
      void,                                                               \
      add,                                                                \
      add_body,                                                           \
      (Scalar * values, const Scalar* more, int64_t count),               \
      (values, more, count))                                              \
  POLYTASK_MULTIVERSION(                                                  \
      void,                                                               \
      sum_rows,                                                           \
      sum_rows_body,                                                      \
      (const Scalar* values, int64_t rows, int64_t width, Scalar* sums),  \
      (values, rows, width, sums))
POLYTASK_FOR_BOTH(float)
POLYTASK_FOR_BOTH(double)
#undef POLYTASK_FOR_BOTH

} // namespace polytask::detail
