// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/mapped.h>

#include <c10/util/Exception.h>

namespace polytask {

MappedOutput::MappedOutput(
    std::shared_ptr<const Metric> metric, Function function)
    : MetricOf(std::move(metric)), function_(std::move(function)) {
  TORCH_CHECK_VALUE(
      function_ != nullptr, "MappedOutput: expected a function, but got none.");
}

MetricState MappedOutput::take(
    const at::Tensor& output, const Labels& labels) const {
  const at::Tensor mapped = function_(output);
  TORCH_CHECK_VALUE(
      mapped.defined() && mapped.is_floating_point() && mapped.dim() > 0 &&
          mapped.size(0) == output.size(0) &&
          mapped.device() == output.device(),
      "expected floating-point numbers of ",
      output.size(0),
      " rows from the function of the output, but got ",
      mapped.defined() ? c10::str(mapped.scalar_type(), " ", mapped.sizes())
                       : "an undefined tensor",
      ".");
  const bool is_wide = mapped.scalar_type() == at::kDouble;
  return take_inside(mapped.to(is_wide ? at::kDouble : at::kFloat), labels);
}

} // namespace polytask
