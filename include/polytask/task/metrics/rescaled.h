// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <memory>
#include <utility>

#include <polytask/task/metrics/metric_of.h>

namespace polytask {

/// A metric of output · scale + shift and target · scale + shift, both in
/// double: for targets that were standardised, the metric in their own unit.
/// Keeps the metric's name. Output and target are floating point [B, ...].
///
/// ```cpp
/// task.metric(polytask::Rescaled(polytask::RMSE(), deviation, mean));
/// ```
class POLYTASK_API Rescaled : public MetricOf {
 public:
  /// Scale and shift: one number, or one for each column of a row. Throws
  /// unless all are finite and no scale is 0.
  Rescaled(
      std::shared_ptr<const Metric> metric,
      const at::Tensor& scale,
      const at::Tensor& shift);
  Rescaled(
      std::shared_ptr<const Metric> metric, double scale, double shift = 0.0);
  template <std::derived_from<Metric> Kind>
  Rescaled(Kind metric, const at::Tensor& scale, const at::Tensor& shift)
      : Rescaled(
            std::make_shared<const Kind>(std::move(metric)), scale, shift) {}
  template <std::derived_from<Metric> Kind>
  Rescaled(Kind metric, double scale, double shift = 0.0)
      : Rescaled(
            std::make_shared<const Kind>(std::move(metric)), scale, shift) {}

 protected:
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;

 private:
  at::Tensor scale_; // [k], or a scalar for all; double, on the host
  at::Tensor shift_;
};

} // namespace polytask
