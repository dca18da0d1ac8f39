// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include <polytask/task/metric.h>

// How much of the variance of numbers is explained. Output and target are
// floating point of the same shape [B, ...]; [B] and [B, 1] meet as well. The
// value is the mean over the columns of a row, of those that have a label; NaN
// if none has, or where an output is NaN. A state keeps means and squares about
// them, so that nothing is lost where the mean is large.
//
// As scikit-learn has it, a column whose labels are all equal counts 1 where
// the numerator is 0, else 0. One label alone is such a column.

namespace polytask {

/// What explained variances are found from; for `R2` and `ExplainedVariance`.
class POLYTASK_API VarianceMetric : public Metric {
 public:
  bool higher_is_better() const override {
    return true;
  }
  MetricState merge(const std::vector<MetricState>& states) const override;

 protected:
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;
};

/// The coefficient of determination R² = 1 - Σ w (y - p)² / Σ w (y - ȳ)², at
/// most 1. scikit-learn: r2_score (uniform_average, force_finite).
class POLYTASK_API R2 : public VarianceMetric {
 public:
  std::string name() const override {
    return "r2";
  }
  at::Tensor value(const MetricState& state) const override;
};

/// 1 - Var(y - p) / Var(y), at most 1: R² that does not mind a constant bias.
/// scikit-learn: explained_variance_score (uniform_average, force_finite).
class POLYTASK_API ExplainedVariance : public VarianceMetric {
 public:
  std::string name() const override {
    return "explained_variance";
  }
  at::Tensor value(const MetricState& state) const override;
};

} // namespace polytask
