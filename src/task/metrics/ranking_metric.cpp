// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/ranking_metric.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <c10/util/Exception.h>

#include <cmath>
#include <vector>

#include "task/metrics/scored_labels.h"

namespace polytask {

namespace {

at::Tensor weights_to_keep(const at::Tensor& weights, const at::Tensor& like) {
  return weights.defined() ? weights : at::ones_like(like, at::kBool);
}

} // namespace

MetricState RankingMetric::take(
    const at::Tensor& output, const Labels& labels) const {
  if (detail::has_classes(labels)) {
    const auto [scores, classes, weights] =
        detail::class_scores(output, labels);
    const at::Tensor rows = scores.movedim(1, -1);
    return {
        {},
        {rows.reshape({classes.numel(), scores.size(1)}),
         classes.reshape({-1}).to(at::kInt),
         weights_to_keep(weights, classes).reshape({-1})}};
  }
  TORCH_CHECK_VALUE(
      labels.target().dim() <= 2,
      "expected binary labels [B] or [B, k], but got ",
      labels.target().sizes(),
      ".");
  const auto [scores, positive, weights] =
      detail::binary_scores(output, labels);
  return {
      {},
      {detail::as_columns(scores),
       detail::as_columns(positive),
       detail::as_columns(weights_to_keep(weights, positive))}};
}

at::Tensor RankingMetric::value(const MetricState& state) const {
  const at::Tensor& target = state.rows[1];
  const at::Tensor& weights = state.rows[2];
  const bool are_classes = target.dim() == 1;
  const bool are_logits = are_classes && !options_.probabilities();
  const at::Tensor scores =
      are_logits ? at::softmax(state.rows[0], 1, at::kDouble) : state.rows[0];
  if (scores.size(0) == 0) {
    return at::full({}, NAN, scores.options().dtype(at::kDouble));
  }
  std::vector<at::Tensor> values;
  std::vector<at::Tensor> counts;
  for (int64_t i = 0; i < scores.size(1); ++i) {
    const at::Tensor positive =
        are_classes ? target.eq(i) : target.select(1, i);
    const at::Tensor weight = are_classes ? weights : weights.select(1, i);
    const at::Tensor is_there = weight.gt(0);
    counts.push_back(positive.logical_and(is_there).any().logical_and(
        positive.logical_not().logical_and(is_there).any()));
    values.push_back(of_column(scores.select(1, i), positive, weight));
  }
  return detail::mean_where(at::stack(values), at::stack(counts)) +
      detail::nan_if_any(scores.isnan());
}

} // namespace polytask
