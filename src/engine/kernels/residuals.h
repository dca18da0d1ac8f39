// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <polytask/task/loss_form.h>

namespace polytask::detail {

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
  /// Of those that are known element by element.
  LossForm::Kind loss;
  Scalar parameter;
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
