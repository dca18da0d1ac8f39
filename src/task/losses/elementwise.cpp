// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/losses/elementwise.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>
#include <c10/util/Exception.h>

#include "core/in_double.h"
#include "core/row_weights.h"

namespace polytask {

namespace detail {

void check_target(
    const at::Tensor& output, const at::Tensor& target, at::IntArrayRef shape) {
  TORCH_CHECK_VALUE(
      target.sizes() == shape,
      "expected a target of shape ",
      shape,
      " for an output of shape ",
      output.sizes(),
      ", but got ",
      target.sizes(),
      ".");
  TORCH_CHECK_VALUE(
      target.scalar_type() == output.scalar_type(),
      "expected a target of dtype ",
      output.scalar_type(),
      " like the output, but got ",
      target.scalar_type(),
      ".");
}

at::Tensor where_present(const at::Tensor& values, const Labels& labels) {
  return labels.is_complete() ? values
                              : values.masked_fill(labels.missing_mask(), 0);
}

at::Tensor mean_weights(const Labels& labels, at::ScalarType type) {
  const auto wide = widest_float(labels.target().device());
  return of_largest_near_one(labels.label_weights(wide))
      .to(labels.target().device(), type);
}

at::Tensor mean_over_present(const at::Tensor& elements, const Labels& labels) {
  if (labels.is_weighted()) {
    const at::Tensor weights = mean_weights(labels, elements.scalar_type());
    return (where_present(elements, labels) * weights).sum() / weights.sum();
  }
  if (labels.is_complete()) {
    return elements.mean();
  }
  return where_present(elements, labels).sum() / labels.present();
}

} // namespace detail

at::Tensor ElementwiseLoss::evaluate(
    const at::Tensor& output, const Labels& labels) const {
  detail::check_target(output, labels.target(), output.sizes());
  if (labels.is_complete() && !labels.is_weighted()) {
    return reduce(output, labels.target(), at::Reduction::Mean);
  }
  return detail::mean_over_present(
      reduce(
          detail::where_present(output, labels),
          labels.filled(),
          at::Reduction::None),
      labels);
}

} // namespace polytask
