// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/mean_metric.h>

#include <ATen/TensorOperators.h>

#include "task/metrics/scored_labels.h"

namespace polytask {

at::Tensor MeanMetric::value(const MetricState& state) const {
  return state.sums[0] / state.sums[1];
}

MetricState MeanMetric::mean_of(
    const at::Tensor& values, const at::Tensor& weights) {
  return {
      {detail::weighted_sum(values, weights),
       detail::sum_of_weights(values, weights)},
      {}};
}

} // namespace polytask
