// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include <polytask/task/metrics/mean_metric.h>

// How far numbers are from their targets. Output and target are floating point
// of the same shape [B, ...]; [B] and [B, 1] meet as well. Differences are
// taken in double. An output of NaN makes the value NaN; without any label it
// is NaN too.

namespace polytask {

/// The mean squared error, Σ w (y - p)² / Σ w over all labels together, in the
/// square of the target's unit. scikit-learn: mean_squared_error.
class POLYTASK_API MSE : public MeanMetric {
 public:
  std::string name() const override {
    return "mse";
  }
  bool higher_is_better() const override {
    return false;
  }

 protected:
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;
};

/// The root of the mean squared error over all labels together, in the target's
/// unit. scikit-learn: root_mean_squared_error of a single column; of several,
/// that takes the mean of the columns' roots.
class POLYTASK_API RMSE : public MSE {
 public:
  std::string name() const override {
    return "rmse";
  }
  at::Tensor value(const MetricState& state) const override;
};

/// The mean absolute error, Σ w |y - p| / Σ w over all labels together, in the
/// target's unit. scikit-learn: mean_absolute_error.
class POLYTASK_API MAE : public MeanMetric {
 public:
  std::string name() const override {
    return "mae";
  }
  bool higher_is_better() const override {
    return false;
  }

 protected:
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;
};

/// The error relative to that of always giving the mean of the training rows m:
/// √(Σ w (y - p)² / Σ w (y - m)²) of each column of a row, then the mean over
/// the columns that have a label. 1 is as good as that mean, 0 is perfect.
/// Infinite or NaN where a column's labels all equal m. Torchmetrics'
/// RelativeSquaredError(squared=False) takes the mean of the rows seen for m.
///
/// Source: E. Spyromitros-Xioufis, G. Tsoumakas, W. Groves and I. Vlahavas,
/// "Multi-target regression via input space expansion: treating targets as
/// inputs", Machine Learning 104 (2016), where it is aRRMSE.
class POLYTASK_API RelativeRMSE : public Metric {
 public:
  /// One mean for all columns, in the target's unit. Throws unless finite.
  explicit RelativeRMSE(double train_mean);
  /// One for each column: as many numbers as a row of the target has.
  explicit RelativeRMSE(const at::Tensor& train_means);

  std::string name() const override {
    return "relative_rmse";
  }
  bool higher_is_better() const override {
    return false;
  }
  at::Tensor value(const MetricState& state) const override;

 protected:
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;

 private:
  at::Tensor means_; // [k], or a scalar for all; double, on the host
};

} // namespace polytask
