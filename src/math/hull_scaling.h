// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/math/matrix.h>
#include <polytask/math/normalized_gramian.h>

namespace polytask::math {

// The convex hull of rows g_i in units in which rows of any length are alike.
// With m the shortest length but zero and y_i = w_i |g_i| / m (w_i for a zero
// row), a point sum w_i g_i is m times a combination of the directions by y,
// and sum w = 1 is shares^T y = 1.
struct HullScaling {
  NormalizedGramian rows;
  // w_i = shares_i y_i; in (0, 1].
  Vector shares;
  // cosines + shares shares^T: positive definite where the members are affinely
  // independent. Where sum w = 1 it adds a constant to the squared length.
  Matrix hessian;
};

HullScaling scale_hull(const Matrix& gramian);

// w for `y`, with a sum of exactly about 1.
Vector simplex_weights(const HullScaling& hull, const Vector& y);

} // namespace polytask::math
