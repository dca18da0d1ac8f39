// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace polytask::detail {

/// Losses of one output and one label, with r = output - label.
enum class ResidualLoss { kSquared, kAbsolute, kHuber };

/// One output column: B rows, [B] values in a row of memory.
template <typename Scalar>
struct ResidualColumn {
  /// In: the outputs without bias. Out: factor · dloss/doutput.
  Scalar* values;
  const Scalar* labels;
  int64_t label_stride;
  int64_t rows;
  Scalar bias;
  Scalar factor;
  /// Where the label is NaN, the residual is 0.
  bool has_missing;
  ResidualLoss loss;
  Scalar delta;
};

struct ResidualSums {
  /// Σ loss, without the factor.
  double loss = 0;
  /// Σ of the values written.
  double gradient = 0;
};

ResidualSums residuals(const ResidualColumn<float>& column);
ResidualSums residuals(const ResidualColumn<double>& column);

} // namespace polytask::detail
