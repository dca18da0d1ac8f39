// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/api.h>
#include <polytask/math/matrix.h>

namespace polytask::math {

/// A symmetric matrix A as V diag(values) V^T.
struct SymmetricEigen {
  /// [T]: ascending.
  Vector values;
  /// [T, T]: V; column k is the unit eigenvector of values[k].
  Matrix vectors;
};

/// Reads the lower triangle of `matrix`. An error if the iteration does not
/// converge, as with values that are not finite.
POLYTASK_API SymmetricEigen symmetric_eigen(const Matrix& matrix);

} // namespace polytask::math
