// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/math/min_norm_point.h>

#include <algorithm>
#include <utility>

#include "hull_scaling.h"
#include "non_negative_quadratic.h"

namespace polytask::math {

Vector min_norm_point(const Matrix& gramian) {
  HullScaling hull = scale_hull(gramian);
  const auto zeros = std::ranges::count(hull.rows.norms, 0.0);
  if (zeros > 0) {
    Vector weights(gramian.size(), 0.0);
    for (size_t i = 0; i < weights.size(); ++i) {
      if (hull.rows.norms[i] == 0) {
        weights[i] = 1 / static_cast<double>(zeros);
      }
    }
    return weights;
  }
  // The minimum over x >= 0 of |g(x)|^2 + (shares^T x - 1)^2 is at a multiple
  // of the shortest point: s times a point of squared length q gives
  // s^2 q + (s - 1)^2, whose minimum over s, q / (1 + q), grows with q.
  NonNegativeQuadratic problem(std::move(hull.hessian), own_component(gramian));
  return simplex_weights(hull, problem.minimize(hull.shares));
}

} // namespace polytask::math
