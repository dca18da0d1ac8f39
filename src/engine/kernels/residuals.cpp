// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "residuals.h"

#include <algorithm>
#include <cmath>

#include "core/multiversion.h"

#include "binary.h"

namespace polytask::detail {

namespace {

// Sums of this many rows stay in the column's own precision; the sums of the
// blocks are added in double.
constexpr int64_t kBlock = 1024;

template <LossForm::Kind kLoss, typename Scalar>
POLYTASK_KERNEL void loss_of(
    Scalar r, Scalar parameter, Scalar& loss, Scalar& slope) {
  if constexpr (kLoss == LossForm::Kind::kSquared) {
    loss = r * r;
    slope = 2 * r;
  } else if constexpr (kLoss == LossForm::Kind::kAbsolute) {
    loss = std::abs(r);
    slope = r > 0 ? Scalar(1) : (r < 0 ? Scalar(-1) : r);
  } else {
    const Scalar size = std::abs(r);
    const bool square = size <= parameter;
    const Scalar line = r > 0 ? parameter : (r < 0 ? -parameter : r);
    loss = square ? r * r / 2 : parameter * (size - parameter / 2);
    slope = square ? r : line;
  }
}

template <LossForm::Kind kLoss, bool kMissing, bool kStrided, typename Scalar>
POLYTASK_KERNEL ResidualSums pass(const ResidualColumn<Scalar>& column) {
  ResidualSums sums;
  const int64_t stride = kStrided ? column.label_stride : 1;
  const Scalar bias = column.bias;
  const Scalar factor = column.factor;
  const Scalar parameter = column.parameter;
  for (int64_t begin = 0; begin < column.rows; begin += kBlock) {
    const int64_t count = std::min(kBlock, column.rows - begin);
    Scalar* __restrict values = column.values + begin;
    const Scalar* __restrict labels = column.labels + begin * stride;
    Scalar loss_sum = 0;
    Scalar gradient_sum = 0;
#pragma omp simd reduction(+ : loss_sum, gradient_sum)
    for (int64_t i = 0; i < count; ++i) {
      const Scalar label = labels[i * stride];
      Scalar r = (values[i] + bias) - label;
      if constexpr (kMissing) {
        r = label == label ? r : Scalar(0);
      }
      Scalar loss, slope;
      loss_of<kLoss>(r, parameter, loss, slope);
      slope *= factor;
      values[i] = slope;
      loss_sum += loss;
      gradient_sum += slope;
    }
    sums.loss += static_cast<double>(loss_sum);
    sums.gradient += static_cast<double>(gradient_sum);
  }
  return sums;
}

template <LossForm::Kind kLoss, typename Scalar>
POLYTASK_KERNEL ResidualSums pass_for(const ResidualColumn<Scalar>& column) {
  if (column.has_missing) {
    return column.label_stride == 1 ? pass<kLoss, true, false>(column)
                                    : pass<kLoss, true, true>(column);
  }
  return column.label_stride == 1 ? pass<kLoss, false, false>(column)
                                  : pass<kLoss, false, true>(column);
}

template <typename Scalar>
POLYTASK_KERNEL ResidualSums
residuals_body(const ResidualColumn<Scalar>& column) {
  switch (column.loss) {
    case LossForm::Kind::kAbsolute:
      return pass_for<LossForm::Kind::kAbsolute>(column);
    case LossForm::Kind::kHuber:
      return pass_for<LossForm::Kind::kHuber>(column);
    case LossForm::Kind::kBinary:
      return binary_residuals(column);
    default:
      return pass_for<LossForm::Kind::kSquared>(column);
  }
}

} // namespace

POLYTASK_MULTIVERSION(
    ResidualSums,
    residuals,
    residuals_body,
    (const ResidualColumn<float>& column),
    (column))
POLYTASK_MULTIVERSION(
    ResidualSums,
    residuals,
    residuals_body,
    (const ResidualColumn<double>& column),
    (column))

} // namespace polytask::detail
