// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/rescaled.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/util/Exception.h>

#include <utility>

#include "core/in_double.h"
#include "task/metrics/column_numbers.h"

namespace polytask {

Rescaled::Rescaled(
    std::shared_ptr<const Metric> metric,
    const at::Tensor& scale,
    const at::Tensor& shift)
    : MetricOf(std::move(metric)),
      scale_(detail::column_numbers(scale, "Rescaled's scale")),
      shift_(detail::column_numbers(shift, "Rescaled's shift")) {
  TORCH_CHECK_VALUE(
      scale_.ne(0).all().item<bool>(),
      "Rescaled: expected scales other than 0, but got ",
      scale_,
      ".");
}

Rescaled::Rescaled(
    std::shared_ptr<const Metric> metric, double scale, double shift)
    : Rescaled(
          std::move(metric),
          at::scalar_tensor(scale, at::kDouble),
          at::scalar_tensor(shift, at::kDouble)) {}

MetricState Rescaled::take(
    const at::Tensor& output, const Labels& labels) const {
  TORCH_CHECK_VALUE(
      labels.target().is_floating_point(),
      "expected a target of floating-point numbers to be rescaled, but got ",
      labels.target().scalar_type(),
      ".");
  const auto wide = detail::widest_float(output.device());
  const auto rescaled = [&](const at::Tensor& values) {
    const at::Tensor numbers = values.to(wide);
    const at::Tensor scaled =
        numbers * detail::for_rows_of(numbers, scale_, "scale");
    return scaled + detail::for_rows_of(numbers, shift_, "shift");
  };
  const Labels same = labels.to(wide);
  return take_inside(rescaled(output), same.in(rescaled(same.target())));
}

} // namespace polytask
