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

/// |x| for a sum x = Jᵀ w of rows with these norms, by its products J x; or 0
/// where that may be the products' rounding: below about 10⁻⁷ of the lengths
/// that it is the sum of.
inline double length_of_sum(
    const math::Vector& weights,
    const math::Vector& products,
    const math::Vector& norms) {
  double square = 0;
  double lengths = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    square += weights[i] * products[i];
    lengths += std::abs(weights[i]) * norms[i];
  }
  const double length = std::sqrt(square > 0 ? square : 0);
  return length > 1e-7 * lengths ? length : 0;
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

inline double length_of_sum(
    const math::Matrix& gramian, const math::Vector& weights) {
  return length_of_sum(
      weights, products_with(gramian, weights), row_norms(gramian));
}

} // namespace polytask::balancing::detail
