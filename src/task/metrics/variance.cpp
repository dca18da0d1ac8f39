// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/variance.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/where.h>
#include <c10/util/Exception.h>

#include "task/metrics/moments.h"
#include "task/metrics/scored_labels.h"

namespace polytask {

namespace {

// The mean over columns of 1 - left / all.
at::Tensor share_explained(
    const at::Tensor& left, const at::Tensor& all, const at::Tensor& weight) {
  // 0 times what is left, which may be NaN.
  const at::Tensor of_constant = at::where(left.eq(0), left + 1, left * 0);
  return detail::mean_where(
      at::where(all.eq(0), of_constant, 1 - left / all), weight.ne(0));
}

} // namespace

MetricState VarianceMetric::take(
    const at::Tensor& output, const Labels& labels) const {
  const auto [values, target, label_weights] =
      detail::labelled_values(output, labels);
  const at::Tensor weights = label_weights.defined()
      ? detail::as_columns(label_weights)
      : at::Tensor();
  return {
      {detail::moments(detail::as_columns(target), weights),
       detail::moments(detail::as_columns(target - values), weights)},
      {}};
}

MetricState VarianceMetric::merge(
    const std::vector<MetricState>& states) const {
  TORCH_CHECK_VALUE(!states.empty(), name(), ": there is no state to merge.");
  std::vector<at::Tensor> targets;
  std::vector<at::Tensor> errors;
  for (const auto& state : states) {
    targets.push_back(state.sums[0]);
    errors.push_back(state.sums[1]);
  }
  return {
      {detail::merged_moments(targets), detail::merged_moments(errors)}, {}};
}

at::Tensor R2::value(const MetricState& state) const {
  const auto target = detail::view_moments(state.sums[0]);
  const auto errors = detail::view_moments(state.sums[1]);
  return share_explained(
      errors.squares + errors.weight * errors.mean.square(),
      target.squares,
      target.weight);
}

at::Tensor ExplainedVariance::value(const MetricState& state) const {
  const auto target = detail::view_moments(state.sums[0]);
  return share_explained(
      detail::view_moments(state.sums[1]).squares,
      target.squares,
      target.weight);
}

} // namespace polytask
