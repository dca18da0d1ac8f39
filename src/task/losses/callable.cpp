// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/losses/callable.h>

#include <ATen/ops/ones.h>
#include <c10/util/Exception.h>

#include <utility>

#include "core/in_double.h"

namespace polytask {

CallableLoss::CallableLoss(Function function) : function_(std::move(function)) {
  TORCH_CHECK_VALUE(function_, "CallableLoss: the function is empty.");
}

CallableLoss::CallableLoss(WeightedFunction function)
    : weighted_(std::move(function)) {
  TORCH_CHECK_VALUE(weighted_, "CallableLoss: the function is empty.");
}

bool CallableLoss::can_use(const Labels& labels) const {
  return labels.is_complete() || labels.complete_rows().numel() > 0;
}

// The mean over its rows, each by its weight.
double CallableLoss::weigh(const Labels& labels) const {
  const at::Tensor& weights = labels.weights();
  if (labels.is_complete()) {
    return weights.defined() ? detail::sum_in_double(weights)
                             : static_cast<double>(labels.target().size(0));
  }
  const at::Tensor rows = labels.complete_rows();
  return weights.defined()
      ? detail::sum_in_double(weights.index_select(0, rows))
      : static_cast<double>(rows.numel());
}

at::Tensor CallableLoss::call(
    const at::Tensor& output,
    const at::Tensor& target,
    const at::Tensor& weights) const {
  if (function_) {
    return function_(output, target);
  }
  const auto options = output.options().requires_grad(false);
  return weighted_(
      output,
      target,
      weights.defined() ? weights.to(options)
                        : at::ones({target.size(0)}, options));
}

at::Tensor CallableLoss::evaluate(
    const at::Tensor& output, const Labels& labels) const {
  at::Tensor loss;
  if (labels.is_complete()) {
    loss = call(output, labels.target(), labels.weights());
  } else {
    const at::Tensor rows = labels.complete_rows();
    if (rows.numel() == 0) {
      return detail::no_loss(output);
    }
    const at::Tensor& weights = labels.weights();
    loss = call(
        output.index_select(0, rows),
        labels.target().index_select(0, rows),
        weights.defined() ? weights.index_select(0, rows) : weights);
  }
  TORCH_CHECK_VALUE(
      loss.defined() && loss.numel() == 1 && loss.is_floating_point(),
      "expected the loss to be one floating-point value, but got ",
      loss.defined() ? loss.toString() : "an undefined tensor",
      loss.defined() ? c10::str(" of shape ", loss.sizes()) : "",
      ".");
  return loss.dim() == 0 ? loss : loss.squeeze();
}

void CallableLoss::pretty_print(std::ostream& stream) const {
  stream << "polytask::CallableLoss";
}

} // namespace polytask
