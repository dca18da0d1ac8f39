// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "equal_projections.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <polytask/math/linear_solve.h>
#include <polytask/math/normalized_gramian.h>

#include "quadratic.h"

namespace polytask::balancing::detail {

namespace {

// Where a quarter of |v|² is not of the rows' own components, v begins to count
// as one with equal projections; where three quarters, it is.
constexpr double kEqualProjectionsKnown = 0.25;

// What part of the v = Uᵀ y with U v = 1 is to be believed.
double equal_projections_part(
    const math::Matrix& cosines, const math::Vector& y) {
  double square = 0;
  double own = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    const auto row = cosines.row(static_cast<int64_t>(i));
    double product = 0;
    for (size_t j = 0; j < y.size(); ++j) {
      product += row[j] * y[j];
    }
    square += y[i] * product;
    own += y[i] * y[i];
  }
  own *= math::own_component(cosines);
  const double known = std::max(square, 0.0) / (std::max(square, 0.0) + own);
  return std::clamp(
      (known - kEqualProjectionsKnown) / (1 - 2 * kEqualProjectionsKnown),
      0.0,
      1.0);
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
  math::Vector weights = math::shortest_solution(rows.cosines, ones);
  const double part = equal_projections_part(rows.cosines, weights);
  double sum = 0;
  double magnitude = 0;
  for (size_t i = 0; i < count; ++i) {
    weights[i] *= rows.norms[i] > 0 ? shortest / rows.norms[i] : 0;
    sum += weights[i];
    magnitude += std::abs(weights[i]);
  }
  // In units in which nothing overflows.
  const double factor = magnitude > 0 ? part / magnitude *
          inverse_of_sum(sum / magnitude, 1, math::own_component(gramian))
                                      : 0;
  for (double& weight : weights) {
    weight *= factor;
  }
  return weights;
}

} // namespace polytask::balancing::detail
