// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/class_counts.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>
#include <c10/util/Exception.h>

#include "task/metrics/predictions.h"
#include "task/metrics/scored_labels.h"

namespace polytask {

namespace {

// [2, k] of what is false and true in [B, k].
at::Tensor sums_of_both(
    const at::Tensor& no, const at::Tensor& yes, const at::Tensor& weights) {
  return at::stack(
      {detail::column_sums(no, weights), detail::column_sums(yes, weights)});
}

} // namespace

MetricState ClassCountMetric::take(
    const at::Tensor& output, const Labels& labels) const {
  if (detail::has_classes(labels)) {
    const auto scores = detail::class_scores(output, labels);
    const auto said = detail::predictions(scores);
    const int64_t count = scores.scores.size(1);
    at::Tensor right = said.predicted.eq(scores.classes);
    if (scores.weights.defined()) {
      right = right * scores.weights;
    }
    const auto sums = [&](const at::Tensor& classes, const at::Tensor& w) {
      return detail::class_sums(classes, w, count) + said.nan_or_zero;
    };
    return {
        {sums(scores.classes, right),
         sums(said.predicted, scores.weights),
         sums(scores.classes, scores.weights)},
        {}};
  }
  TORCH_CHECK_VALUE(
      labels.target().dim() <= 2,
      "expected binary labels [B] or [B, k], but got ",
      labels.target().sizes(),
      ".");
  const auto scores = detail::binary_scores(output, labels);
  const auto said = detail::predictions(scores, options_.probabilities());
  const at::Tensor yes = detail::as_columns(said.predicted);
  const at::Tensor is = detail::as_columns(scores.positive);
  const at::Tensor no = yes.logical_not();
  const at::Tensor is_not = is.logical_not();
  const at::Tensor weights = scores.weights.defined()
      ? detail::as_columns(scores.weights)
      : at::Tensor();
  const auto sums = [&](const at::Tensor& zero, const at::Tensor& one) {
    return sums_of_both(zero, one, weights) + said.nan_or_zero;
  };
  return {
      {sums(no.logical_and(is_not), yes.logical_and(is)),
       sums(no, yes),
       sums(is_not, is)},
      {}};
}

ClassCountMetric::Counts ClassCountMetric::counts_of(const MetricState& state) {
  return {state.sums[0], state.sums[1], state.sums[2]};
}

} // namespace polytask
