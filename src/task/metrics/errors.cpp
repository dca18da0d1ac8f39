// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/errors.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/dot.h>

#include "task/metrics/column_numbers.h"
#include "task/metrics/scored_labels.h"

namespace polytask {

MetricState MSE::take(const at::Tensor& output, const Labels& labels) const {
  const auto [values, target, weights] =
      detail::labelled_values(output, labels);
  const at::Tensor errors = (values - target).reshape({-1});
  if (weights.defined()) {
    return mean_of(errors.square().view_as(target), weights);
  }
  // One pass over the errors.
  return {{at::dot(errors, errors), detail::sum_of_weights(errors, {})}, {}};
}

at::Tensor RMSE::value(const MetricState& state) const {
  return MSE::value(state).sqrt();
}

MetricState MAE::take(const at::Tensor& output, const Labels& labels) const {
  const auto [values, target, weights] =
      detail::labelled_values(output, labels);
  return mean_of((values - target).abs_(), weights);
}

RelativeRMSE::RelativeRMSE(double train_mean)
    : means_(
          detail::column_numbers(train_mean, "RelativeRMSE's training mean")) {}

RelativeRMSE::RelativeRMSE(const at::Tensor& train_means)
    : means_(detail::column_numbers(
          train_means, "RelativeRMSE's training mean")) {}

MetricState RelativeRMSE::take(
    const at::Tensor& output, const Labels& labels) const {
  const auto [values, target, label_weights] =
      detail::labelled_values(output, labels);
  const at::Tensor errors = detail::as_columns((values - target).square_());
  const at::Tensor from_mean = detail::as_columns(
      (target - detail::for_rows_of(target, means_, "training mean"))
          .square_());
  const at::Tensor weights = label_weights.defined()
      ? detail::as_columns(label_weights)
      : at::Tensor();
  return {
      {detail::column_sums(errors, weights),
       detail::column_sums(from_mean, weights),
       detail::column_weights(errors, weights)},
      {}};
}

at::Tensor RelativeRMSE::value(const MetricState& state) const {
  return detail::mean_where(
      (state.sums[0] / state.sums[1]).sqrt(), state.sums[2].gt(0));
}

} // namespace polytask
