// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/log_loss.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/where.h>

#include <limits>

#include "task/metrics/scored_labels.h"

namespace polytask {

namespace {

at::Tensor log_of_held(const at::Tensor& p, at::ScalarType type) {
  const double epsilon = type == at::kFloat
      ? std::numeric_limits<float>::epsilon()
      : std::numeric_limits<double>::epsilon();
  return p.clamp(epsilon, 1 - epsilon).log();
}

} // namespace

MetricState LogLoss::take(
    const at::Tensor& output, const Labels& labels) const {
  const at::ScalarType type = output.scalar_type();
  if (detail::has_classes(labels)) {
    const auto [scores, classes, weights] =
        detail::class_scores(output, labels);
    const at::Tensor logs = options_.probabilities()
        ? log_of_held(detail::class_probabilities(scores, true), type)
        : at::log_softmax(scores, 1, at::kDouble);
    return mean_of(-logs.gather(1, classes.unsqueeze(1)).squeeze(1), weights);
  }
  const auto [scores, positive, weights] =
      detail::binary_scores(output, labels);
  if (options_.probabilities()) {
    const at::Tensor p = detail::binary_probabilities(scores, true);
    return mean_of(-log_of_held(at::where(positive, p, 1 - p), type), weights);
  }
  // log(1 + exp(-x)) of a positive label, log(1 + exp(x)) of another.
  const at::Tensor wide = scores.to(at::kDouble);
  const at::Tensor against = at::where(positive, -wide, wide);
  // Beyond the threshold, softplus(x) is x to the last digit.
  return mean_of(at::softplus(against, 1, 40), weights);
}

} // namespace polytask
