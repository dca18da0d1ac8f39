// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/correlation.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/stack.h>
#include <c10/util/Exception.h>

#include <cmath>

#include "core/in_double.h"
#include "task/metrics/moments.h"
#include "task/metrics/scored_labels.h"
#include "task/metrics/sorted_runs.h"

namespace polytask {

namespace {

// The mean over columns, of those whose target varies.
at::Tensor mean_correlation(const at::Tensor& moments) {
  return detail::mean_where(
      detail::correlation(moments), detail::second_varies(moments));
}

// Ranks from 1 in double, the mean one of equal values; after those that are
// there come those that are missing.
at::Tensor average_ranks(const at::Tensor& column, const at::Tensor& missing) {
  // The sort puts NaN last.
  const auto [sorted, order] = at::sort(column.masked_fill(missing, NAN));
  const auto runs = detail::sorted_runs(sorted);
  const at::Tensor ranks =
      (runs.first + runs.last).to(at::kDouble).div_(2).add_(1);
  return at::empty_like(ranks).scatter_(0, order, ranks);
}

} // namespace

MetricState Pearson::take(
    const at::Tensor& output, const Labels& labels) const {
  const auto [values, target, weights] =
      detail::labelled_values(output, labels);
  return {
      {detail::moments(
          detail::as_columns(values),
          detail::as_columns(target),
          weights.defined() ? detail::as_columns(weights) : weights)},
      {}};
}

MetricState Pearson::merge(const std::vector<MetricState>& states) const {
  TORCH_CHECK_VALUE(!states.empty(), name(), ": there is no state to merge.");
  std::vector<at::Tensor> parts;
  parts.reserve(states.size());
  for (const auto& state : states) {
    parts.push_back(state.sums[0]);
  }
  return {{detail::merged_moments(parts)}, {}};
}

at::Tensor Pearson::value(const MetricState& state) const {
  return mean_correlation(state.sums[0]);
}

MetricState Spearman::take(
    const at::Tensor& output, const Labels& labels) const {
  TORCH_CHECK_VALUE(
      !labels.is_weighted(),
      "the rows have weights, but weighted ranks have no agreed definition; "
      "take Pearson, or evaluate without weights.");
  const at::Tensor& target = labels.target();
  TORCH_CHECK_VALUE(
      target.is_floating_point(),
      "expected a target of floating-point numbers, but got ",
      target.scalar_type(),
      ".");
  // NaN in the target says what is missing.
  return {
      {},
      {detail::as_columns(detail::shaped_like(output, target.sizes())),
       detail::as_columns(target)}};
}

at::Tensor Spearman::value(const MetricState& state) const {
  const at::Tensor outputs = detail::where_double_is(state.rows[0]);
  const at::Tensor targets = detail::where_double_is(state.rows[1]);
  if (outputs.size(0) == 0) {
    return at::full({}, NAN, outputs.options().dtype(at::kDouble));
  }
  std::vector<at::Tensor> output_ranks;
  std::vector<at::Tensor> target_ranks;
  const at::Tensor missing = targets.isnan();
  for (int64_t i = 0; i < targets.size(1); ++i) {
    const at::Tensor left_out = missing.select(1, i);
    output_ranks.push_back(average_ranks(outputs.select(1, i), left_out));
    target_ranks.push_back(average_ranks(targets.select(1, i), left_out));
  }
  const at::Tensor wrong = outputs.isnan().logical_and(missing.logical_not());
  return mean_correlation(detail::moments(
             at::stack(output_ranks, 1),
             at::stack(target_ranks, 1),
             missing.logical_not())) +
      detail::nan_if_any(wrong);
}

} // namespace polytask
