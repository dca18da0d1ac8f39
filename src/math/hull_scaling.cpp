// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "hull_scaling.h"

#include <limits>

namespace polytask::math {

HullScaling scale_hull(const Matrix& gramian) {
  const int64_t size = gramian.size();
  HullScaling hull{normalize_gramian(gramian), Vector(size, 1.0), Matrix(size)};
  double shortest = std::numeric_limits<double>::infinity();
  for (const double norm : hull.rows.norms) {
    if (norm > 0 && norm < shortest) {
      shortest = norm;
    }
  }
  for (int64_t i = 0; i < size; ++i) {
    if (hull.rows.norms[i] > 0) {
      hull.shares[i] = shortest / hull.rows.norms[i];
    }
  }
  for (int64_t i = 0; i < size; ++i) {
    for (int64_t j = 0; j < size; ++j) {
      hull.hessian(i, j) =
          hull.rows.cosines(i, j) + hull.shares[i] * hull.shares[j];
    }
  }
  return hull;
}

Vector simplex_weights(const HullScaling& hull, const Vector& y) {
  Vector weights(y.size());
  double sum = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    weights[i] = hull.shares[i] * y[i];
    sum += weights[i];
  }
  for (double& weight : weights) {
    weight /= sum;
  }
  return weights;
}

} // namespace polytask::math
