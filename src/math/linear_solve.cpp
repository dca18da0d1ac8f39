// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/math/linear_solve.h>

#include <polytask/math/normalized_gramian.h>

#include "growing_cholesky.h"

namespace polytask::math {

Vector shortest_solution(const Matrix& matrix, std::span<const double> rhs) {
  // Each step brings what the one before changed nearer to zero, but for what
  // the matrix does not tell from it.
  constexpr int kSteps = 3;
  const double own = own_component(matrix);
  Matrix sum = matrix;
  for (int64_t i = 0; i < matrix.size(); ++i) {
    sum(i, i) += own;
  }
  GrowingCholesky factor(sum);
  for (int64_t i = 0; i < matrix.size(); ++i) {
    // Of a matrix that is not semidefinite, the part that is.
    factor.append(i);
  }
  const auto& members = factor.members();
  Vector solution(rhs.size(), 0.0);
  Vector change(rhs.begin(), rhs.end());
  Vector solved(rhs.size());
  Vector residual(rhs.size());
  for (int step = 0; step < kSteps; ++step) {
    factor.solve(change, solved);
    if (step == 0) {
      // What rounding leaves of it where the matrix is singular.
      for (size_t i = 0; i < members.size(); ++i) {
        const int64_t index = members[i];
        double product = 0;
        for (size_t j = 0; j < members.size(); ++j) {
          product += matrix(index, members[j]) * solved[j];
        }
        change[static_cast<size_t>(index)] -= product + own * solved[i];
      }
      factor.solve(change, residual);
      for (size_t i = 0; i < members.size(); ++i) {
        solved[i] += residual[i];
      }
    }
    for (size_t i = 0; i < members.size(); ++i) {
      const auto index = static_cast<size_t>(members[i]);
      solution[index] += solved[i];
      change[index] = own * solved[i];
    }
  }
  return solution;
}

} // namespace polytask::math
