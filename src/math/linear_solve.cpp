// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/math/linear_solve.h>

#include <cmath>

#include <polytask/math/symmetric_eigen.h>

#include "growing_cholesky.h"

namespace polytask::math {

std::optional<Vector> solve_spd(
    const Matrix& matrix, std::span<const double> rhs) {
  GrowingCholesky factor(matrix);
  for (int64_t i = 0; i < matrix.size(); ++i) {
    if (!factor.append(i)) {
      return std::nullopt;
    }
  }
  Vector solution(rhs.size());
  factor.solve(rhs, solution);
  return solution;
}

Vector pseudo_solve(
    const Matrix& matrix, std::span<const double> rhs, double relative_cutoff) {
  const SymmetricEigen eigen = symmetric_eigen(matrix);
  const int64_t size = matrix.size();
  Vector solution(rhs.size(), 0.0);
  for (int64_t k = 0; k < size; ++k) {
    if (eigen.values[k] <= relative_cutoff * eigen.values.back()) {
      continue;
    }
    double component = 0;
    for (int64_t i = 0; i < size; ++i) {
      component += eigen.vectors(i, k) * rhs[i];
    }
    component /= eigen.values[k];
    for (int64_t i = 0; i < size; ++i) {
      solution[i] += component * eigen.vectors(i, k);
    }
  }
  return solution;
}

} // namespace polytask::math
