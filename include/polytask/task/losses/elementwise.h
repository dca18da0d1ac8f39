// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <polytask/task/loss_function.h>

namespace polytask {

/// The base of losses in which each label meets one element of the output.
class POLYTASK_API ElementwiseLoss : public LossFunction {
 public:
  bool takes_weights() const override {
    return true;
  }

 protected:
  /// The loss of each element, or their mean: `reduction` is an
  /// `at::Reduction`. Output and target have the same shape and dtype.
  virtual at::Tensor reduce(
      const at::Tensor& output,
      const at::Tensor& target,
      int64_t reduction) const = 0;

  at::Tensor evaluate(
      const at::Tensor& output, const Labels& labels) const override;
};

namespace detail {

/// Throws unless the target has this shape and the output's dtype.
POLYTASK_API void check_target(
    const at::Tensor& output, const at::Tensor& target, at::IntArrayRef shape);

/// `values` with 0 in place of those whose label is missing: an output that
/// overflows there would otherwise turn the gradient into NaN.
POLYTASK_API at::Tensor where_present(
    const at::Tensor& values, const Labels& labels);

/// `labels.label_weights(type)` times a power of two, which no mean minds:
/// whatever the scale of the weights, they are in the range of the type.
POLYTASK_API at::Tensor mean_weights(const Labels& labels, at::ScalarType type);

/// The mean of `elements` over the labels that are present, each with the
/// weight of its row.
POLYTASK_API at::Tensor mean_over_present(
    const at::Tensor& elements, const Labels& labels);

} // namespace detail

} // namespace polytask
