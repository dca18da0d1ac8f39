// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>

#include <polytask/math/matrix.h>

namespace polytask::balancing::detail {

/// wᵀ G w, |Jᵀ w|² for G = J Jᵀ; rounding does not make it negative.
inline double squared_length(
    const math::Matrix& gramian, const math::Vector& weights) {
  double square = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const auto row = gramian.row(static_cast<int64_t>(i));
    double product = 0;
    for (size_t j = 0; j < weights.size(); ++j) {
      product += row[j] * weights[j];
    }
    square += weights[i] * product;
  }
  return square > 0 ? square : 0;
}

/// |Jᵀ w|, or 0 where that may be the Gramian's rounding: below about 10⁻⁷ of
/// the lengths that it is the sum of.
inline double length_of_sum(
    const math::Matrix& gramian, const math::Vector& weights) {
  double lengths = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const auto task = static_cast<int64_t>(i);
    lengths += std::abs(weights[i]) * std::sqrt(gramian(task, task));
  }
  const double length = std::sqrt(squared_length(gramian, weights));
  return length > 1e-7 * lengths ? length : 0;
}

} // namespace polytask::balancing::detail
