// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace polytask::detail {

/// Linear outputs with squared error on a narrow input: losses and gradients in
/// one pass over the rows, which are read once.
template <typename Scalar>
struct NarrowSquares {
  static constexpr int64_t kMaxWidth = 16;

  /// [rows, width], row by row.
  const Scalar* input;
  int64_t rows;
  int64_t width;

  struct Column {
    const Scalar* weight; // [width]
    const Scalar* labels; // [rows], `label_stride` apart
    int64_t label_stride;
    Scalar bias;
    bool has_missing;
    /// Times Σ r · x is the gradient.
    double factor;
    Scalar* weight_gradient; // [width]
    Scalar* bias_gradient;
    double loss; // Σ r²
  };
  Column* columns;
  int64_t count;
};

void narrow_squares(const NarrowSquares<float>& job);
void narrow_squares(const NarrowSquares<double>& job);

} // namespace polytask::detail
