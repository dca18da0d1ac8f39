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
  const double part = sum_of_rows(rows.cosines, weights).known();
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
