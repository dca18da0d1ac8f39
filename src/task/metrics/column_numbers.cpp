// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "task/metrics/column_numbers.h"

#include <ATen/ops/isfinite.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/util/Exception.h>

namespace polytask::detail {

at::Tensor column_numbers(const at::Tensor& numbers, const char* what) {
  TORCH_CHECK_VALUE(
      numbers.defined() && numbers.numel() > 0 && !numbers.is_complex(),
      what,
      ": expected one number for each column, but got none.");
  const at::Tensor held = numbers.detach().to(
      at::TensorOptions(at::kCPU).dtype(at::kDouble), false, true);
  TORCH_CHECK_VALUE(
      at::isfinite(held).all().item<bool>(),
      what,
      ": expected finite numbers, but got ",
      held,
      ".");
  // A scalar of the host meets tensors of any device.
  return held.numel() == 1 ? held.reshape({}) : held.reshape({-1});
}

at::Tensor column_numbers(double number, const char* what) {
  return column_numbers(at::scalar_tensor(number, at::kDouble), what);
}

at::Tensor for_rows_of(
    const at::Tensor& values, const at::Tensor& numbers, const char* what) {
  if (numbers.dim() == 0) {
    return numbers;
  }
  int64_t columns = 1;
  for (const int64_t size : values.sizes().slice(1)) {
    columns *= size;
  }
  TORCH_CHECK_VALUE(
      numbers.size(0) == columns,
      "expected a ",
      what,
      " for each of the ",
      columns,
      " columns of ",
      values.sizes(),
      ", but got ",
      numbers.size(0),
      ".");
  return numbers.to(values.options(), /*non_blocking=*/true)
      .reshape(values.sizes().slice(1));
}

} // namespace polytask::detail
