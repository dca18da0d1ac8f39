// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <polytask/task/metric.h>

namespace polytask {

/// The base of metrics that are a mean over labels, each with the weight of its
/// row: Σ w · v / Σ w. A state holds these two sums.
class POLYTASK_API MeanMetric : public Metric {
 public:
  at::Tensor value(const MetricState& state) const override;

 protected:
  /// `values` of any dtype and shape, with anything finite where a label is
  /// missing; `weights` in the same shape, 0 there, or undefined if each value
  /// counts once.
  static MetricState mean_of(
      const at::Tensor& values, const at::Tensor& weights);
};

} // namespace polytask
