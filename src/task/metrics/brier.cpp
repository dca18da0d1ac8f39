// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/brier.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones_like.h>

#include "task/metrics/scored_labels.h"

namespace polytask {

MetricState Brier::take(const at::Tensor& output, const Labels& labels) const {
  if (detail::has_classes(labels)) {
    const auto [scores, classes, weights] =
        detail::class_scores(output, labels);
    const at::Tensor p =
        detail::class_probabilities(scores, options_.probabilities());
    const at::Tensor index = classes.unsqueeze(1);
    const at::Tensor ones = at::ones_like(index, at::kDouble);
    return mean_of(p.scatter_add(1, index, -ones).square().sum(1), weights);
  }
  const auto [scores, positive, weights] =
      detail::binary_scores(output, labels);
  const at::Tensor p =
      detail::binary_probabilities(scores, options_.probabilities());
  return mean_of((p - positive.to(at::kDouble)).square(), weights);
}

} // namespace polytask
