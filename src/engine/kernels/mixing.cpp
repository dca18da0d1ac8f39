// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "mixing.h"

#include <algorithm>

#include "core/multiversion.h"

namespace polytask::detail {

namespace {

// Columns whose sums stay in registers.
constexpr int64_t kMixStrip = 64;

template <typename Scalar>
POLYTASK_KERNEL void mix_strip(
    const MixTerm<Scalar>* terms,
    int64_t count,
    int64_t row,
    int64_t place,
    int64_t columns,
    const Scalar* mask,
    Scalar* out) {
  Scalar sum[kMixStrip] = {};
  for (int64_t t = 0; t < count; ++t) {
    const MixTerm<Scalar>& term = terms[t];
    const Scalar share = term.constant +
        (term.shares ? term.shares[row * term.stride] : Scalar(0));
    const Scalar* __restrict values = term.matrix + place;
    if (columns == kMixStrip) {
#pragma omp simd
      for (int64_t j = 0; j < kMixStrip; ++j) {
        sum[j] += share * values[j];
      }
    } else {
      for (int64_t j = 0; j < columns; ++j) {
        sum[j] += share * values[j];
      }
    }
  }
  if (!mask) {
    std::copy_n(sum, columns, out + place);
  } else if (columns == kMixStrip) {
#pragma omp simd
    for (int64_t j = 0; j < kMixStrip; ++j) {
      out[place + j] = mask[place + j] <= 0 ? Scalar(0) : sum[j];
    }
  } else {
    for (int64_t j = 0; j < columns; ++j) {
      out[place + j] = mask[place + j] <= 0 ? Scalar(0) : sum[j];
    }
  }
}

template <typename Scalar>
POLYTASK_KERNEL void mix_rows_body(
    const MixTerm<Scalar>* terms,
    int64_t count,
    int64_t begin,
    int64_t end,
    int64_t width,
    const Scalar* mask,
    Scalar* out) {
  for (int64_t i = begin; i < end; ++i) {
    for (int64_t j = 0; j < width; j += kMixStrip) {
      mix_strip(
          terms,
          count,
          i,
          i * width + j,
          std::min(kMixStrip, width - j),
          mask,
          out);
    }
  }
}

template <typename Scalar>
POLYTASK_KERNEL void dot_each_body(
    const Scalar* vectors,
    const Scalar* const* matrices,
    int64_t count,
    int64_t begin,
    int64_t end,
    int64_t width,
    Scalar* out) {
  for (int64_t i = begin; i < end; ++i) {
    const Scalar* __restrict vector = vectors + i * width;
    Scalar* to = out + i * count;
    int64_t m = 0;
    for (; m + 4 <= count; m += 4) {
      const Scalar* __restrict a = matrices[m] + i * width;
      const Scalar* __restrict b = matrices[m + 1] + i * width;
      const Scalar* __restrict c = matrices[m + 2] + i * width;
      const Scalar* __restrict d = matrices[m + 3] + i * width;
      Scalar sum_a = 0;
      Scalar sum_b = 0;
      Scalar sum_c = 0;
      Scalar sum_d = 0;
#pragma omp simd reduction(+ : sum_a, sum_b, sum_c, sum_d)
      for (int64_t j = 0; j < width; ++j) {
        const Scalar v = vector[j];
        sum_a += a[j] * v;
        sum_b += b[j] * v;
        sum_c += c[j] * v;
        sum_d += d[j] * v;
      }
      to[m] = sum_a;
      to[m + 1] = sum_b;
      to[m + 2] = sum_c;
      to[m + 3] = sum_d;
    }
    for (; m < count; ++m) {
      const Scalar* __restrict a = matrices[m] + i * width;
      Scalar sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t j = 0; j < width; ++j) {
        sum += a[j] * vector[j];
      }
      to[m] = sum;
    }
  }
}

// NaN stays: it is larger than nothing, so that no other value is taken off.
template <typename Scalar>
POLYTASK_KERNEL void softmax_shift_body(
    Scalar* values, int64_t rows, int64_t count) {
  for (int64_t i = 0; i < rows; ++i) {
    Scalar* __restrict row = values + i * count;
    Scalar largest = row[0];
    for (int64_t j = 1; j < count; ++j) {
      largest = row[j] > largest ? row[j] : largest;
    }
#pragma omp simd
    for (int64_t j = 0; j < count; ++j) {
      row[j] -= largest;
    }
  }
}

template <typename Scalar>
POLYTASK_KERNEL void softmax_scale_body(
    Scalar* values, int64_t rows, int64_t count) {
  for (int64_t i = 0; i < rows; ++i) {
    Scalar* __restrict row = values + i * count;
    Scalar sum = 0;
    for (int64_t j = 0; j < count; ++j) {
      sum += row[j];
    }
    const Scalar factor = 1 / sum;
#pragma omp simd
    for (int64_t j = 0; j < count; ++j) {
      row[j] *= factor;
    }
  }
}

template <typename Scalar>
POLYTASK_KERNEL void softmax_gradient_body(
    const Scalar* outputs, int64_t rows, int64_t count, Scalar* gradient) {
  for (int64_t i = 0; i < rows; ++i) {
    const Scalar* __restrict share = outputs + i * count;
    Scalar* __restrict own = gradient + i * count;
    Scalar mean = 0;
#pragma omp simd reduction(+ : mean)
    for (int64_t j = 0; j < count; ++j) {
      mean += share[j] * own[j];
    }
#pragma omp simd
    for (int64_t j = 0; j < count; ++j) {
      own[j] = share[j] * (own[j] - mean);
    }
  }
}

} // namespace

#define POLYTASK_FOR_BOTH(Scalar)                                             \
  POLYTASK_MULTIVERSION(                                                      \
      void,                                                                   \
      mix_rows,                                                               \
      mix_rows_body,                                                          \
      (const MixTerm<Scalar>* terms,                                          \
       int64_t count,                                                         \
       int64_t begin,                                                         \
       int64_t end,                                                           \
       int64_t width,                                                         \
       const Scalar* mask,                                                    \
       Scalar* out),                                                          \
      (terms, count, begin, end, width, mask, out))                           \
  POLYTASK_MULTIVERSION(                                                      \
      void,                                                                   \
      dot_each,                                                               \
      dot_each_body,                                                          \
      (const Scalar* vectors,                                                 \
       const Scalar* const* matrices,                                         \
       int64_t count,                                                         \
       int64_t begin,                                                         \
       int64_t end,                                                           \
       int64_t width,                                                         \
       Scalar* out),                                                          \
      (vectors, matrices, count, begin, end, width, out))                     \
  POLYTASK_MULTIVERSION(                                                      \
      void,                                                                   \
      softmax_shift,                                                          \
      softmax_shift_body,                                                     \
      (Scalar * values, int64_t rows, int64_t count),                         \
      (values, rows, count))                                                  \
  POLYTASK_MULTIVERSION(                                                      \
      void,                                                                   \
      softmax_scale,                                                          \
      softmax_scale_body,                                                     \
      (Scalar * values, int64_t rows, int64_t count),                         \
      (values, rows, count))                                                  \
  POLYTASK_MULTIVERSION(                                                      \
      void,                                                                   \
      softmax_gradient,                                                       \
      softmax_gradient_body,                                                  \
      (const Scalar* outputs, int64_t rows, int64_t count, Scalar* gradient), \
      (outputs, rows, count, gradient))
POLYTASK_FOR_BOTH(float)
POLYTASK_FOR_BOTH(double)
#undef POLYTASK_FOR_BOTH

} // namespace polytask::detail
