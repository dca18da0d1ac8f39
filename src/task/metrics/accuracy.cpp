// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/accuracy.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <c10/util/Exception.h>

#include <vector>

#include "task/metrics/predictions.h"
#include "task/metrics/scored_labels.h"

namespace polytask {

MetricState Accuracy::take(
    const at::Tensor& output, const Labels& labels) const {
  const auto state = [](const detail::Predictions& said,
                        const at::Tensor& target,
                        const at::Tensor& weights) {
    MetricState met = mean_of(said.predicted.eq(target), weights);
    met.sums[0] += said.nan_or_zero;
    return met;
  };
  if (detail::has_classes(labels)) {
    const auto scores = detail::class_scores(output, labels);
    return state(detail::predictions(scores), scores.classes, scores.weights);
  }
  const auto scores = detail::binary_scores(output, labels);
  return state(
      detail::predictions(scores, options_.probabilities()),
      scores.positive,
      scores.weights);
}

TopK::TopK(int64_t k) : k_(k) {
  TORCH_CHECK_VALUE(k > 0, "TopK: expected a positive k, but got ", k, ".");
}

std::string TopK::name() const {
  return c10::str("top_", k_);
}

MetricState TopK::take(const at::Tensor& output, const Labels& labels) const {
  const auto [scores, classes, weights] = detail::class_scores(output, labels);
  const int64_t count = scores.size(1);
  TORCH_CHECK_VALUE(
      count >= k_,
      "expected scores of ",
      k_,
      " classes or more, but got ",
      count,
      ".");
  const at::Tensor label = classes.unsqueeze(1);
  const at::Tensor own = scores.gather(1, label);
  std::vector<int64_t> along(static_cast<size_t>(scores.dim()), 1);
  along[1] = count;
  const at::Tensor comes_first =
      at::arange(count, classes.options()).view(along).lt(label);
  const at::Tensor better =
      scores.gt(own).logical_or(scores.eq(own).logical_and(comes_first));
  MetricState state = mean_of(better.sum(1).lt(k_), weights);
  state.sums[0] += detail::nan_if_any(scores.isnan());
  return state;
}

at::Tensor BalancedAccuracy::value(const MetricState& state) const {
  const auto [right, predicted, actual] = counts_of(state);
  const at::Tensor recall = detail::ratio_or_zero(right, actual);
  const at::Tensor classes = actual.ne(0);
  if (classes.dim() == 1) {
    return detail::mean_where(recall, classes);
  }
  // First over the two classes of a column.
  return detail::mean_where(recall.sum(0) / classes.sum(0), classes.any(0));
}

} // namespace polytask
