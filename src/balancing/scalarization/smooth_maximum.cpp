// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "smooth_maximum.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/max.h>

#include <algorithm>
#include <limits>

namespace polytask::balancing::detail {

// The largest is taken out before the division, which may overflow; a μ that is
// none in the values' dtype would divide 0 by 0.
at::Tensor smooth_maximum(const at::Tensor& values, double mu) {
  const double smallest = values.scalar_type() == at::kDouble
      ? std::numeric_limits<double>::min()
      : std::numeric_limits<float>::min();
  mu = std::max(mu, smallest);
  const at::Tensor largest = values.detach().max();
  return largest + mu * at::logsumexp((values - largest) / mu, 0);
}

} // namespace polytask::balancing::detail
