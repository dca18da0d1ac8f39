// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/segmentation.h>

#include <ATen/TensorOperators.h>
#include <c10/util/Exception.h>

#include "task/metrics/scored_labels.h"

namespace polytask {

MetricState MeanIoU::take(
    const at::Tensor& output, const Labels& labels) const {
  TORCH_CHECK_VALUE(
      detail::has_classes(labels),
      "expected class indices of dtype Long, but got ",
      labels.target().scalar_type(),
      ".");
  return ClassCountMetric::take(output, labels);
}

at::Tensor MeanIoU::value(const MetricState& state) const {
  const auto [right, predicted, actual] = counts_of(state);
  const at::Tensor either = predicted + actual - right;
  return detail::mean_where(right / either, (predicted + actual).ne(0));
}

} // namespace polytask
