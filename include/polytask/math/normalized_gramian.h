// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/api.h>
#include <polytask/math/matrix.h>

namespace polytask::math {

/// The rows of a Jacobian J of shape [T, P], known by their Gramian J J^T, as
/// lengths and directions. Most solvers work on directions, so that neither the
/// scale of the Jacobian nor that of one row matters to them.
struct NormalizedGramian {
  /// [T, T]: cosines of the angles between rows; ones on the diagonal; zero
  /// where a row is zero. Symmetric, and of the Gramian's rounding.
  Matrix cosines;
  /// [T]: norms of the rows.
  Vector norms;
};

/// Reads all of `gramian`; where rounding left it asymmetric, means.
POLYTASK_API NormalizedGramian normalize_gramian(const Matrix& gramian);

/// Makes `matrix` symmetric by means.
POLYTASK_API void symmetrize(Matrix& matrix);

/// What solvers add to the squared length of unit rows: each gets a component
/// of its own, perpendicular to all others, as long as the root of this. Then
/// rows are independent, every problem has one solution, which changes little
/// where they do, and weights are at most about 1 / root of it, so that neither
/// the rows' rounding, times the weights, nor what the component leads astray
/// exceeds that root: the choice of the order of the rounding itself balances
/// the two.
///
/// Source: A. Tikhonov, "Solution of incorrectly formulated problems and the
/// regularization method", 1963; repeated about its own result, as solvers here
/// do, it leaves well-posed problems alone (J. Riley, "Solving systems of
/// linear equations with a positive definite, symmetric, but possibly
/// ill-conditioned matrix", 1955).
POLYTASK_API double own_component(const Matrix& matrix);

} // namespace polytask::math
