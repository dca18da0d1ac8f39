// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>

#include <polytask/math/matrix.h>

namespace polytask::balancing::detail {

/// exp(x_t) / Σ_s exp(x_s); neither overflows.
inline math::Vector softmax_of(math::Vector values) {
  const double largest = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (double& value : values) {
    value = std::exp(value - largest);
    sum += value;
  }
  for (double& value : values) {
    value /= sum;
  }
  return values;
}

} // namespace polytask::balancing::detail
