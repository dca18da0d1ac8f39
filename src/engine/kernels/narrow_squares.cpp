// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "narrow_squares.h"

#include <algorithm>

#include "core/multiversion.h"

namespace polytask::detail {

namespace {

// Rows in a block: what a column of the input needs to fill its vectors.
constexpr int64_t kRows = 64;

template <typename Scalar>
POLYTASK_KERNEL void clear(
    typename NarrowSquares<Scalar>::Column& column, int64_t width) {
  column.loss = 0;
  *column.bias_gradient = 0;
  std::fill_n(column.weight_gradient, width, Scalar(0));
}

// One column on one block, whose input stands column by column. Rows from
// `rows` on are padding.
template <bool kFull, typename Scalar>
POLYTASK_KERNEL void block(
    const Scalar (*__restrict input)[kRows],
    int64_t width,
    const Scalar* labels,
    int64_t given,
    typename NarrowSquares<Scalar>::Column& column) {
  const int64_t rows = kFull ? kRows : given;
  Scalar r[kRows];
  const Scalar bias = column.bias;
#pragma omp simd
  for (int64_t i = 0; i < rows; ++i) {
    r[i] = bias;
  }
  for (int64_t k = 0; k < width; ++k) {
    const Scalar weight = column.weight[k];
    const Scalar* x = input[k];
#pragma omp simd
    for (int64_t i = 0; i < rows; ++i) {
      r[i] += weight * x[i];
    }
  }
  if (column.label_stride == 1) {
#pragma omp simd
    for (int64_t i = 0; i < rows; ++i) {
      r[i] -= labels[i];
    }
  } else {
    for (int64_t i = 0; i < rows; ++i) {
      r[i] -= labels[i * column.label_stride];
    }
  }
  if (column.has_missing) {
    for (int64_t i = 0; i < rows; ++i) {
      const Scalar label = labels[i * column.label_stride];
      r[i] = label == label ? r[i] : Scalar(0);
    }
  }
  Scalar loss = 0;
  Scalar sum = 0;
#pragma omp simd reduction(+ : loss, sum)
  for (int64_t i = 0; i < rows; ++i) {
    loss += r[i] * r[i];
    sum += r[i];
  }
  column.loss += static_cast<double>(loss);
  const auto factor = static_cast<Scalar>(column.factor);
  *column.bias_gradient += factor * sum;
  for (int64_t k = 0; k < width; ++k) {
    const Scalar* x = input[k];
    Scalar product = 0;
#pragma omp simd reduction(+ : product)
    for (int64_t i = 0; i < rows; ++i) {
      product += r[i] * x[i];
    }
    column.weight_gradient[k] += factor * product;
  }
}

template <typename Scalar>
POLYTASK_KERNEL void narrow_squares_body(const NarrowSquares<Scalar>& job) {
  Scalar input[NarrowSquares<Scalar>::kMaxWidth][kRows];
  for (int64_t c = 0; c < job.count; ++c) {
    clear<Scalar>(job.columns[c], job.width);
  }
  for (int64_t begin = 0; begin < job.rows; begin += kRows) {
    const int64_t rows = std::min(kRows, job.rows - begin);
    const Scalar* x = job.input + begin * job.width;
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t k = 0; k < job.width; ++k) {
        input[k][i] = x[i * job.width + k];
      }
    }
    for (int64_t c = 0; c < job.count; ++c) {
      auto& column = job.columns[c];
      const Scalar* labels = column.labels + begin * column.label_stride;
      if (rows == kRows) {
        block<true, Scalar>(input, job.width, labels, rows, column);
      } else {
        block<false, Scalar>(input, job.width, labels, rows, column);
      }
    }
  }
}

} // namespace

POLYTASK_MULTIVERSION(
    void,
    narrow_squares,
    narrow_squares_body,
    (const NarrowSquares<float>& job),
    (job))
POLYTASK_MULTIVERSION(
    void,
    narrow_squares,
    narrow_squares_body,
    (const NarrowSquares<double>& job),
    (job))

} // namespace polytask::detail
