// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/math/matrix.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace polytask::testing {

/// A Jacobian on the host, row by row.
using Rows = std::vector<std::vector<double>>;

inline Rows random_rows(size_t count, size_t length, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  Rows rows(count, std::vector<double>(length));
  for (auto& row : rows) {
    for (double& value : row) {
      value = normal(generator);
    }
  }
  return rows;
}

inline math::Matrix gramian_of(const Rows& rows, double scale = 1) {
  const auto size = static_cast<int64_t>(rows.size());
  math::Matrix gramian(size);
  for (int64_t i = 0; i < size; ++i) {
    for (int64_t j = 0; j < size; ++j) {
      for (size_t k = 0; k < rows[i].size(); ++k) {
        gramian(i, j) += scale * rows[i][k] * rows[j][k];
      }
    }
  }
  return gramian;
}

inline math::Vector product(
    const math::Matrix& matrix, const math::Vector& vector) {
  math::Vector result(vector.size(), 0.0);
  for (int64_t i = 0; i < matrix.size(); ++i) {
    for (int64_t j = 0; j < matrix.size(); ++j) {
      result[i] += matrix(i, j) * vector[j];
    }
  }
  return result;
}

inline double inner(const math::Vector& a, const math::Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

inline double largest_difference(const math::Vector& a, const math::Vector& b) {
  double largest = a.size() == b.size() ? 0 : INFINITY;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
    largest = std::max(largest, std::abs(a[i] - b[i]));
  }
  return largest;
}

} // namespace polytask::testing
