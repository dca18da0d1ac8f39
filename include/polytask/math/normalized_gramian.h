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
  /// where a row is zero.
  Matrix cosines;
  /// [T]: norms of the rows.
  Vector norms;
};

/// Reads all of `gramian`, which must be symmetric.
POLYTASK_API NormalizedGramian normalize_gramian(const Matrix& gramian);

} // namespace polytask::math
