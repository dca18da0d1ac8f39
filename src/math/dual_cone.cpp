// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/math/dual_cone.h>

#include <cmath>
#include <utility>

#include <polytask/math/normalized_gramian.h>

#include "non_negative_quadratic.h"

namespace polytask::math {

// With v = u + x this is a problem over x >= 0, in which x_i n_i takes the
// place of x_i to make the rows of unit length.

Vector dual_cone_projection(const Matrix& gramian, std::span<const double> u) {
  NormalizedGramian rows = normalize_gramian(gramian);
  const double own = own_component(gramian);
  Vector pull(u.size(), 0.0);
  for (int64_t i = 0; i < gramian.size(); ++i) {
    for (int64_t j = 0; j < gramian.size(); ++j) {
      pull[i] -= rows.cosines(i, j) * rows.norms[j] * u[j];
    }
  }
  NonNegativeQuadratic problem(std::move(rows.cosines), own);
  const Vector& x = problem.minimize(pull);
  Vector result(u.begin(), u.end());
  for (size_t i = 0; i < u.size(); ++i) {
    if (x[i] > 0) {
      result[i] += x[i] / rows.norms[i];
    }
  }
  return result;
}

Vector dual_cone_projection_of_each(
    const Matrix& gramian, std::span<const double> u) {
  const NormalizedGramian rows = normalize_gramian(gramian);
  NonNegativeQuadratic problem(rows.cosines, own_component(gramian));
  Vector result(u.begin(), u.end());
  Vector pull(u.size());
  for (int64_t i = 0; i < gramian.size(); ++i) {
    const double length = rows.norms[i] * u[i];
    for (int64_t j = 0; j < gramian.size(); ++j) {
      pull[j] = std::copysign(1.0, -length) * rows.cosines(i, j);
    }
    const Vector& x = problem.minimize(pull);
    for (size_t j = 0; j < u.size(); ++j) {
      if (x[j] > 0) {
        result[j] += std::abs(length) * x[j] / rows.norms[j];
      }
    }
  }
  return result;
}

Matrix regularize_gramian(
    const Matrix& gramian, const DualConeRegularization& regularization) {
  double trace = 0;
  for (int64_t i = 0; i < gramian.size(); ++i) {
    trace += gramian(i, i);
  }
  Matrix result(gramian.size());
  result.set_rounding(gramian.rounding());
  for (int64_t i = 0; i < gramian.size(); ++i) {
    for (int64_t j = 0; j < gramian.size() && trace >= regularization.norm_eps;
         ++j) {
      result(i, j) = trace > 0 ? gramian(i, j) / trace : 0;
    }
    result(i, i) += regularization.reg_eps;
  }
  return result;
}

} // namespace polytask::math
