// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace polytask::detail {

/// One of the matrices that are mixed, and how much of it each row takes:
/// shares[i · stride] + constant, or the constant alone where shares is null.
template <typename Scalar>
struct MixTerm {
  const Scalar* matrix;
  const Scalar* shares;
  int64_t stride;
  Scalar constant;
};

/// out [rows, width] = Σ of `count` terms, rows from `begin` to `end`. Zero
/// where `mask` [rows, width] is given and not above 0, as behind a ReLU whose
/// output that is.
void mix_rows(
    const MixTerm<float>* terms,
    int64_t count,
    int64_t begin,
    int64_t end,
    int64_t width,
    const float* mask,
    float* out);
void mix_rows(
    const MixTerm<double>* terms,
    int64_t count,
    int64_t begin,
    int64_t end,
    int64_t width,
    const double* mask,
    double* out);

/// out [rows, count], of these rows: the inner product of a row of `vectors`
/// with the same row of each of `count` matrices.
void dot_each(
    const float* vectors,
    const float* const* matrices,
    int64_t count,
    int64_t begin,
    int64_t end,
    int64_t width,
    float* out);
void dot_each(
    const double* vectors,
    const double* const* matrices,
    int64_t count,
    int64_t begin,
    int64_t end,
    int64_t width,
    double* out);

/// What is before and after the exponentials of a softmax over each row of
/// `values` [rows, count]: takes the row's largest value from it; makes the
/// row's sum 1.
void softmax_shift(float* values, int64_t rows, int64_t count);
void softmax_shift(double* values, int64_t rows, int64_t count);
void softmax_scale(float* values, int64_t rows, int64_t count);
void softmax_scale(double* values, int64_t rows, int64_t count);

/// From the gradient of a softmax's outputs [rows, count] to that of its
/// inputs, in place.
void softmax_gradient(
    const float* outputs, int64_t rows, int64_t count, float* gradient);
void softmax_gradient(
    const double* outputs, int64_t rows, int64_t count, double* gradient);

} // namespace polytask::detail
