// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metric.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <c10/util/Exception.h>

#include <cstddef>

#include "core/check.h"

namespace polytask {

namespace {

at::Tensor unhalved(const at::Tensor& output) {
  const at::ScalarType type = output.scalar_type();
  return type == at::kHalf || type == at::kBFloat16 ? output.to(at::kFloat)
                                                    : output;
}

} // namespace

MetricState Metric::observe(
    const at::Tensor& output, const Labels& labels) const {
  const at::NoGradGuard no_grad;
  try {
    TORCH_CHECK_VALUE(
        output.defined() && output.is_floating_point() && output.dim() > 0,
        "expected an output [B, ...] of floating-point numbers, but got ",
        output.defined() ? c10::str(output.scalar_type(), " ", output.sizes())
                         : "an undefined tensor",
        ".");
    const at::Tensor& target = labels.target();
    TORCH_CHECK_VALUE(
        output.device() == target.device(),
        "the output is on ",
        output.device(),
        ", but the target on ",
        target.device(),
        ".");
    TORCH_CHECK_VALUE(
        target.dim() > 0 && output.size(0) == target.size(0),
        "expected as many rows of the target as of the output, ",
        output.sizes(),
        ", but got ",
        target.sizes(),
        ".");
    return take(unhalved(output.detach()), labels);
  } catch (const c10::Error&) {
    detail::rethrow_with(name() + ": ");
  }
}

MetricState Metric::merge(const std::vector<MetricState>& states) const {
  TORCH_CHECK_VALUE(!states.empty(), name(), ": there is no state to merge.");
  MetricState all = states.front();
  for (size_t i = 1; i < states.size(); ++i) {
    for (size_t k = 0; k < all.sums.size(); ++k) {
      all.sums[k] = all.sums[k] + states[i].sums[k];
    }
  }
  for (size_t k = 0; states.size() > 1 && k < all.rows.size(); ++k) {
    std::vector<at::Tensor> parts;
    parts.reserve(states.size());
    for (const auto& state : states) {
      parts.push_back(state.rows[k]);
    }
    all.rows[k] = at::cat(parts);
  }
  return all;
}

double Metric::operator()(
    const at::Tensor& output, const Labels& labels) const {
  return value(observe(output, labels)).item<double>();
}

double Metric::operator()(
    const at::Tensor& output, const at::Tensor& target) const {
  return (*this)(output, Labels(target));
}

} // namespace polytask
