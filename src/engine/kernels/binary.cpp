// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "binary.h"

#include <Eigen/Core>

#include <algorithm>
#include <cmath>

namespace polytask::detail {

namespace {

constexpr int64_t kBlock = 256;

template <typename Scalar>
using Block = Eigen::Array<Scalar, Eigen::Dynamic, 1, 0, kBlock, 1>;

// With z = exp(-|x|) and l = log(1 + z): what LibTorch computes, in its order.
template <typename Scalar>
ResidualSums pass(const ResidualColumn<Scalar>& column) {
  ResidualSums sums;
  const Scalar positive = column.parameter;
  Block<Scalar> z;
  Block<Scalar> l;
  for (int64_t begin = 0; begin < column.rows; begin += kBlock) {
    const int64_t count = std::min(kBlock, column.rows - begin);
    Scalar* __restrict values = column.values + begin;
    const Scalar* __restrict labels =
        column.labels + begin * column.label_stride;
    const Eigen::Map<Eigen::Array<Scalar, Eigen::Dynamic, 1>> x(values, count);
    z = (-(x + column.bias).abs()).exp();
    l = z.log1p();
    Scalar loss_sum = 0;
    Scalar gradient_sum = 0;
#pragma omp simd reduction(+ : loss_sum, gradient_sum)
    for (int64_t i = 0; i < count; ++i) {
      const Scalar label = labels[i * column.label_stride];
      const bool is_missing = column.has_missing && label != label;
      const Scalar y = is_missing ? Scalar(0) : label;
      const Scalar logit = values[i] + column.bias;
      const Scalar own = 1 + (positive - 1) * y;
      const Scalar share = (logit >= 0 ? Scalar(1) : z[i]) / (1 + z[i]);
      const Scalar loss =
          (1 - y) * logit + own * (l[i] + std::max(-logit, Scalar(0)));
      // A logit that is no number gives no slope that is one.
      const Scalar slope = logit == logit ? own * share - positive * y : logit;
      values[i] = is_missing ? Scalar(0) : slope * column.factor;
      loss_sum += is_missing ? Scalar(0) : loss;
      gradient_sum += values[i];
    }
    sums.loss += static_cast<double>(loss_sum);
    sums.gradient += static_cast<double>(gradient_sum);
  }
  return sums;
}

} // namespace

ResidualSums binary_residuals(const ResidualColumn<float>& column) {
  return pass(column);
}

ResidualSums binary_residuals(const ResidualColumn<double>& column) {
  return pass(column);
}

} // namespace polytask::detail
