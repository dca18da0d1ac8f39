// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/math/linear_solve.h>

#include <algorithm>
#include <cmath>

#include <polytask/math/normalized_gramian.h>
#include <polytask/math/symmetric_eigen.h>

#include "growing_cholesky.h"
#include "rounding_tolerance.h"

namespace polytask::math {

namespace {

// Each step brings what the one before changed nearer to zero, but for what the
// matrix does not tell from it.
constexpr int kSolveSteps = 3;

double largest_of(std::span<const double> values) {
  double largest = 0;
  for (const double value : values) {
    largest = std::max(largest, std::abs(value));
  }
  return largest;
}

// The same sum of steps by eigenvectors, of which those that hardly see `rhs`
// count for nothing: over an eigenvalue near zero its rounding would be large.
Vector solution_by_eigenvectors(
    const Matrix& matrix, std::span<const double> rhs, double own) {
  const SymmetricEigen eigen = symmetric_eigen(matrix);
  const double rounding =
      64 * kEpsilon * static_cast<double>(matrix.size()) * largest_of(rhs);
  Vector solution(rhs.size(), 0.0);
  for (int64_t k = 0; k < matrix.size(); ++k) {
    double component = 0;
    for (int64_t i = 0; i < matrix.size(); ++i) {
      component += eigen.vectors(i, k) * rhs[static_cast<size_t>(i)];
    }
    const double seen = rounding > 0 ? std::abs(component) / rounding : 0;
    const double divisor =
        std::max(eigen.values[static_cast<size_t>(k)], 0.0) + own;
    double factor = 0;
    for (int step = 0; step < kSolveSteps; ++step) {
      factor = (1 + own * factor) / divisor;
    }
    component *= factor * (1 - 1 / (1 + std::pow(seen, 4)));
    for (int64_t i = 0; i < matrix.size(); ++i) {
      solution[static_cast<size_t>(i)] += component * eigen.vectors(i, k);
    }
  }
  return solution;
}

} // namespace

Vector shortest_solution(const Matrix& matrix, std::span<const double> rhs) {
  constexpr double kSettled = 1e-12;
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
  for (int step = 0; step < kSolveSteps; ++step) {
    factor.solve(change, solved);
    for (size_t i = 0; i < members.size(); ++i) {
      const auto index = static_cast<size_t>(members[i]);
      solution[index] += solved[i];
      change[index] = own * solved[i];
    }
  }
  if (largest_of(solved) <= kSettled * largest_of(solution)) {
    return solution;
  }
  return solution_by_eigenvectors(matrix, rhs, own);
}

} // namespace polytask::math
