// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/function_metric.h>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/util/Exception.h>

#include <cmath>

#include "core/in_double.h"

namespace polytask {

FunctionMetric::FunctionMetric(
    std::string name,
    Joined function,
    bool takes_weights,
    bool higher_is_better)
    : name_(std::move(name)),
      function_(std::move(function)),
      takes_weights_(takes_weights),
      higher_is_better_(higher_is_better) {}

at::Tensor FunctionMetric::as_tensor(double value) {
  return at::scalar_tensor(value, at::kDouble);
}

MetricState FunctionMetric::take(
    const at::Tensor& output, const Labels& labels) const {
  TORCH_CHECK_VALUE(
      takes_weights_ || !labels.is_weighted(),
      "the rows have weights, but the function takes none; give it a third "
      "argument.");
  const at::Tensor& target = labels.target();
  const auto wide = detail::widest_float(output.device());
  const at::Tensor weights = labels.is_weighted()
      ? labels.weights().to(wide)
      : at::ones({output.size(0)}, output.options().dtype(wide));
  if (!output.device().is_cpu()) {
    // Which rows count is looked at in the value: it takes a wait.
    const at::Tensor whole = labels.missing_mask()
                                 .reshape({output.size(0), -1})
                                 .any(1)
                                 .logical_not();
    return {{}, {output, target, weights, whole}};
  }
  MetricState state;
  if (labels.is_complete()) {
    state.rows = {output, target, weights};
  } else {
    const at::Tensor there = labels.complete_rows();
    for (const auto& each : {output, target, weights}) {
      state.rows.push_back(each.index_select(0, there));
    }
  }
  state.rows.push_back(at::ones({state.rows[0].size(0)}, at::kBool));
  return state;
}

at::Tensor FunctionMetric::value(const MetricState& state) const {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> rows(state.rows.begin(), state.rows.begin() + 3);
  const at::Tensor& whole = state.rows[3];
  if (!whole.device().is_cpu() && whole.size(0) > 0) {
    const at::Tensor there = whole.nonzero().squeeze(1);
    for (auto& each : rows) {
      each = each.index_select(0, there);
    }
  }
  const auto device = detail::where_double_is(rows[2]).device();
  if (rows[0].size(0) == 0) {
    return at::full({}, NAN, at::TensorOptions(device).dtype(at::kDouble));
  }
  const at::Tensor value = function_(rows[0], rows[1], rows[2]);
  TORCH_CHECK_VALUE(
      value.defined() && value.numel() == 1,
      name_,
      ": expected a number or a tensor of one element from the function, but "
      "got ",
      value.defined() ? c10::str("shape ", value.sizes())
                      : "an undefined tensor",
      ".");
  return detail::in_double(value.detach().reshape({})).to(device);
}

} // namespace polytask
