// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "equal_projections.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <polytask/math/linear_solve.h>
#include <polytask/math/normalized_gramian.h>

namespace polytask::balancing::detail {

namespace {

// Equations that are off by more have no solution.
constexpr double kEqualProjectionsOff = 1e-6;
// A sum of weights this small beside them may be rounding.
constexpr double kEqualProjectionsSum = 1e-12;

bool has_equal_projections(
    const math::Matrix& cosines,
    const math::Vector& ones,
    const math::Vector& solution) {
  for (size_t i = 0; i < ones.size(); ++i) {
    const auto row = cosines.row(static_cast<int64_t>(i));
    double product = 0;
    for (size_t j = 0; j < ones.size(); ++j) {
      product += row[j] * solution[j];
    }
    if (!(std::abs(product - ones[i]) <= kEqualProjectionsOff)) {
      return false;
    }
  }
  return true;
}

} // namespace

math::Vector equal_projection_weights(const math::Matrix& gramian) {
  const auto rows = math::normalize_gramian(gramian);
  const size_t count = rows.norms.size();
  math::Vector ones(count);
  double shortest = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < count; ++i) {
    ones[i] = rows.norms[i] > 0 ? 1 : 0;
    if (rows.norms[i] > 0) {
      shortest = std::min(shortest, rows.norms[i]);
    }
  }
  const auto direct = math::solve_spd(rows.cosines, ones);
  math::Vector weights =
      direct ? *direct : math::pseudo_solve(rows.cosines, ones);
  const math::Vector none(count, 0.0);
  if (!has_equal_projections(rows.cosines, ones, weights)) {
    return none;
  }
  double sum = 0;
  double magnitude = 0;
  for (size_t i = 0; i < count; ++i) {
    weights[i] *= rows.norms[i] > 0 ? shortest / rows.norms[i] : 0;
    sum += weights[i];
    magnitude += std::abs(weights[i]);
  }
  if (!(std::abs(sum) > kEqualProjectionsSum * magnitude)) {
    return none;
  }
  for (double& weight : weights) {
    weight /= sum;
  }
  return weights;
}

} // namespace polytask::balancing::detail
