// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/jacobian_balancing.h>

#include <ATen/TensorOperators.h>

#include "host.h"

namespace polytask::balancing {

at::Tensor JacobianBalancing::direction(
    const at::Tensor& jacobian, const Extras& extras) {
  detail::check_jacobian(jacobian, name());
  detail::check_finite_rows(jacobian, name());
  prepare(jacobian.size(0));
  const at::Tensor rows = jacobian.detach().flatten(1);
  const at::Tensor update = combine(rows, extras);
  detail::check_finite_update(update, name());
  return update.reshape(jacobian.sizes().slice(1));
}

} // namespace polytask::balancing
