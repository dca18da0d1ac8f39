// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

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

/// |x| for a sum x = Jᵀ w of rows with these norms, by its products J x, in
/// which each row has a component of its own (math::own_component), so that the
/// length of a sum that may be rounding is not less than that.
inline double length_of_sum(
    const math::Vector& weights,
    const math::Vector& products,
    const math::Vector& norms,
    double own) {
  double square = 0;
  double squares = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    square += weights[i] * products[i];
    squares += weights[i] * weights[i] * norms[i] * norms[i];
  }
  return std::sqrt((square > 0 ? square : 0) + own * squares);
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

inline double length_of_sum(
    const math::Matrix& gramian, const math::Vector& weights) {
  return length_of_sum(
      weights,
      products_with(gramian, weights),
      row_norms(gramian),
      math::own_component(gramian));
}

} // namespace polytask::balancing::detail
