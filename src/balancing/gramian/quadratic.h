// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>

#include <polytask/math/matrix.h>
#include <polytask/math/normalized_gramian.h>

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

/// A sum x = Jᵀ w of rows, each of which has a component of its own as well
/// (math::own_component).
struct SumOfRows {
  /// |x|², without those components, and what they add.
  double square = 0;
  double own = 0;

  /// |x|, but not less than what may be rounding.
  double length() const {
    // Nothing is added where it says nothing.
    constexpr double kFaint = 1e-4;
    if (!(own > 0)) {
      return std::sqrt(square);
    }
    const double share = own / (square + own);
    return std::sqrt(square + own * share / (share + kFaint) * (1 + kFaint));
  }
  /// 1 where x is known, 0 where three quarters of |x|² are not of the rows
  /// themselves.
  double known() const {
    const double share = square > 0 ? square / (square + own) : 0;
    return std::clamp(2 * share - 0.5, 0.0, 1.0);
  }
};

/// Of rows with these norms, by the products J x.
inline SumOfRows sum_of_rows(
    const math::Vector& weights,
    const math::Vector& products,
    const math::Vector& norms,
    double own) {
  SumOfRows sum;
  for (size_t i = 0; i < weights.size(); ++i) {
    const double length = weights[i] * norms[i];
    sum.square += weights[i] * products[i];
    sum.own += own * length * length;
  }
  sum.square = std::max(sum.square, 0.0);
  return sum;
}

/// The norms of the rows.
inline math::Vector row_norms(const math::Matrix& gramian) {
  math::Vector norms(static_cast<size_t>(gramian.size()));
  for (size_t i = 0; i < norms.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    norms[i] = std::sqrt(gramian(row, row));
  }
  return norms;
}

/// G w.
inline math::Vector products_with(
    const math::Matrix& gramian, const math::Vector& weights) {
  math::Vector products(weights.size(), 0.0);
  for (size_t i = 0; i < weights.size(); ++i) {
    const auto row = gramian.row(static_cast<int64_t>(i));
    for (size_t j = 0; j < weights.size(); ++j) {
      products[i] += row[j] * weights[j];
    }
  }
  return products;
}

/// 1 / sum for a sum of weights of this magnitude in all, or less where that
/// may be their rounding.
inline double inverse_of_sum(double sum, double magnitude, double own) {
  const double least = own * magnitude * magnitude;
  const double divisor = sum * sum * sum * sum + least * least;
  return divisor > 0 ? sum * sum * sum / divisor : 0;
}

inline SumOfRows sum_of_rows(
    const math::Matrix& gramian, const math::Vector& weights) {
  return sum_of_rows(
      weights,
      products_with(gramian, weights),
      row_norms(gramian),
      math::own_component(gramian));
}

} // namespace polytask::balancing::detail
