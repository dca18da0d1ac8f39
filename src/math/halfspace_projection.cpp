// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/math/halfspace_projection.h>

#include <algorithm>
#include <cmath>

#include <polytask/math/normalized_gramian.h>

#include "non_negative_quadratic.h"

namespace polytask::math {

namespace {

// By how much at least rounding may leave a constraint short, relative to what
// row 0 lacks most.
constexpr double kShortfall = 1e-6;

} // namespace

std::optional<Vector> project_onto_halfspaces(
    const Matrix& gramian, std::span<const double> bounds) {
  const int64_t size = gramian.size();
  NormalizedGramian rows = normalize_gramian(gramian);
  // Distances that row 0 lacks to the constraints, along unit normals.
  Vector lacks(size, 0.0);
  double most = 0;
  for (int64_t j = 1; j < size; ++j) {
    if (rows.norms[j] > 0) {
      lacks[j] = bounds[j] / rows.norms[j] - rows.cosines(j, 0) * rows.norms[0];
      most = std::max(most, std::abs(lacks[j]));
    } else if (bounds[j] > 0) {
      return std::nullopt;
    }
  }
  for (int64_t j = 0; j < size; ++j) {
    rows.cosines(j, 0) = 0;
    rows.cosines(0, j) = 0;
  }
  // The dual problem; x is large where no point satisfies the constraints.
  const double own = own_component(gramian);
  const double shortfall = std::max(kShortfall, 2 * std::sqrt(own)) * most;
  NonNegativeQuadratic problem(rows.cosines, own);
  const Vector& x = problem.minimize(lacks);
  Vector weights(size, 0.0);
  weights[0] = 1;
  for (int64_t j = 1; j < size; ++j) {
    double gained = 0;
    for (int64_t i = 1; i < size; ++i) {
      gained += rows.cosines(j, i) * x[i];
    }
    if (gained < lacks[j] - shortfall) {
      return std::nullopt;
    }
    if (x[j] > 0) {
      weights[j] = x[j] / rows.norms[j];
    }
  }
  return weights;
}

} // namespace polytask::math
