// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/jacobian_balancing.h>

#include <ATen/ops/isfinite.h>
#include <c10/util/Exception.h>

namespace polytask::balancing {

at::Tensor JacobianBalancing::direction(
    const at::Tensor& jacobian, const Extras& extras) {
  TORCH_CHECK_VALUE(
      jacobian.defined() && jacobian.is_floating_point() && jacobian.dim() >= 2,
      name(),
      ": expected a floating-point Jacobian [T, ...], but got ",
      jacobian.defined() ? c10::str(jacobian.toString(), " ", jacobian.sizes())
                         : "an undefined tensor",
      ".");
  TORCH_CHECK_VALUE(
      !jacobian.device().is_cpu() || at::isfinite(jacobian).all().item<bool>(),
      name(),
      ": the Jacobian holds numbers that are not finite.");
  prepare(jacobian.size(0));
  const at::Tensor rows = jacobian.detach().reshape({jacobian.size(0), -1});
  return combine(rows, extras).reshape(jacobian.sizes().slice(1));
}

} // namespace polytask::balancing
