// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace polytask::detail {

/// out [rows] = input [rows, width] · vector [width]: rows that fit the first
/// cache are read once for this and for `add_rows`, where BLAS would read them
/// from further away twice.
void dot_rows(
    const float* input,
    int64_t rows,
    int64_t width,
    const float* vector,
    float* out);
void dot_rows(
    const double* input,
    int64_t rows,
    int64_t width,
    const double* vector,
    double* out);

/// sum [width] += factors [rows] · input [rows, width].
void add_rows(
    const float* input,
    int64_t rows,
    int64_t width,
    const float* factors,
    float* sum);
void add_rows(
    const double* input,
    int64_t rows,
    int64_t width,
    const double* factors,
    double* sum);

} // namespace polytask::detail
