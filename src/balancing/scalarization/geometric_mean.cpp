// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/scalarization/geometric_mean.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/exp.h>

#include "../checks.h"

namespace polytask::balancing {

at::Tensor GeometricMean::value(
    const at::Tensor& losses, const Extras& /*extras*/) {
  detail::check_losses_above(losses, {0}, name());
  return at::exp(detail::safe_log(losses).mean());
}

} // namespace polytask::balancing
