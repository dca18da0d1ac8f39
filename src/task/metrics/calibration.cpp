// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/calibration.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/max.h>
#include <c10/util/Exception.h>

#include "task/metrics/scored_labels.h"

namespace polytask {

ExpectedCalibrationError::ExpectedCalibrationError(
    ExpectedCalibrationErrorOptions options)
    : options_(options) {
  TORCH_CHECK_VALUE(
      options_.bins() > 0,
      "ExpectedCalibrationError: expected a bin or more, but got ",
      options_.bins(),
      ".");
}

MetricState ExpectedCalibrationError::binned(
    const at::Tensor& confidence,
    const at::Tensor& right,
    const at::Tensor& weights) const {
  const int64_t bins = options_.bins();
  const at::Tensor wrong = confidence.isnan();
  const at::Tensor bin = (confidence * bins)
                             .masked_fill(wrong, 0)
                             .clamp(0, static_cast<double>(bins - 1))
                             .to(at::kLong);
  const auto weighted = [&](const at::Tensor& values) {
    return detail::class_sums(
        bin,
        weights.defined() ? values * weights.to(at::kDouble) : values,
        bins);
  };
  return {
      {detail::class_sums(bin, weights, bins),
       weighted(confidence) + detail::nan_if_any(wrong),
       weighted(right.to(at::kDouble))},
      {}};
}

MetricState ExpectedCalibrationError::take(
    const at::Tensor& output, const Labels& labels) const {
  if (!detail::has_classes(labels)) {
    const auto [scores, positive, weights] =
        detail::binary_scores(output, labels);
    return binned(
        detail::binary_probabilities(scores, options_.probabilities()),
        positive,
        weights);
  }
  const auto [scores, classes, weights] = detail::class_scores(output, labels);
  const auto [confidence, predicted] =
      at::max(detail::class_probabilities(scores, options_.probabilities()), 1);
  return binned(confidence, predicted.eq(classes), weights);
}

at::Tensor ExpectedCalibrationError::value(const MetricState& state) const {
  return (state.sums[1] - state.sums[2]).abs().sum() / state.sums[0].sum();
}

} // namespace polytask
