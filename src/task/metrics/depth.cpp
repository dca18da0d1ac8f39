// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/depth.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/max.h>
#include <c10/util/Exception.h>

#include <cmath>

#include "task/metrics/scored_labels.h"

namespace polytask {

namespace {

// Both depths are 1 where there is none.
detail::LabelledValues labelled_depths(
    const at::Tensor& output, const Labels& labels) {
  const auto [values, target, weights] =
      detail::labelled_values(output, labels);
  const at::Tensor is_there = target.gt(0);
  const at::Tensor missing = is_there.logical_not();
  return {
      values.masked_fill(missing, 1),
      target.masked_fill(missing, 1),
      weights.defined() ? weights.masked_fill(missing, 0) : is_there};
}

} // namespace

MetricState DepthAbsoluteError::take(
    const at::Tensor& output, const Labels& labels) const {
  const auto [values, target, weights] = labelled_depths(output, labels);
  return mean_of((values - target).abs_(), weights);
}

MetricState DepthRelativeError::take(
    const at::Tensor& output, const Labels& labels) const {
  const auto [values, target, weights] = labelled_depths(output, labels);
  return mean_of((values - target).abs_().div_(target), weights);
}

DepthDelta::DepthDelta(int64_t n) : n_(n) {
  TORCH_CHECK_VALUE(
      n > 0, "DepthDelta: expected a positive n, but got ", n, ".");
}

std::string DepthDelta::name() const {
  return c10::str("delta_", n_);
}

MetricState DepthDelta::take(
    const at::Tensor& output, const Labels& labels) const {
  const auto [values, target, weights] = labelled_depths(output, labels);
  const double bound = std::pow(1.25, static_cast<double>(n_));
  const at::Tensor within = at::max(values / target, target / values).lt(bound);
  MetricState state = mean_of(within.logical_and(values.gt(0)), weights);
  state.sums[0] += detail::nan_if_any(values.isnan());
  return state;
}

} // namespace polytask
