// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace polytask::detail {

/// values [rows, width] = max(values + bias, 0); no bias where it is null.
void add_bias_and_rectify(
    float* values, const float* bias, int64_t rows, int64_t width);
void add_bias_and_rectify(
    double* values, const double* bias, int64_t rows, int64_t width);

/// gradient [rows, width] = 0 where outputs <= 0.
void rectify_gradient(float* gradient, const float* outputs, int64_t count);
void rectify_gradient(double* gradient, const double* outputs, int64_t count);

/// values [rows, width] += bias.
void add_bias(float* values, const float* bias, int64_t rows, int64_t width);
void add_bias(double* values, const double* bias, int64_t rows, int64_t width);

/// values [count] += more.
void add(float* values, const float* more, int64_t count);
void add(double* values, const double* more, int64_t count);

/// sums [width] = Σ over rows of values [rows, width].
void sum_rows(const float* values, int64_t rows, int64_t width, float* sums);
void sum_rows(const double* values, int64_t rows, int64_t width, double* sums);

} // namespace polytask::detail
