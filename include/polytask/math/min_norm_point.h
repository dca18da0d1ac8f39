// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/api.h>
#include <polytask/math/matrix.h>

namespace polytask::math {

/// The weights w of the shortest vector in the convex hull of the rows of a
/// Jacobian J: argmin of w^T G w subject to w >= 0 and sum w = 1.
///
/// `gramian` is G = J J^T, [T, T]; the result has T weights, exact zeros off
/// its support. Solved exactly, by an active set, on rows of unit length.
/// J^T w is unique; of w where rows depend on each other to their rounding,
/// that with the least sum of squares of w_i |g_i|. Zero rows share all weight.
/// Values must be finite.
///
/// Source: P. Wolfe, "Finding the nearest point in a polytope", Mathematical
/// Programming 1976; the active set is that of C. Lawson and R. Hanson,
/// "Solving least squares problems", 1974, chapter 23, with the row of ones of
/// its problem LDP.
POLYTASK_API Vector min_norm_point(const Matrix& gramian);

} // namespace polytask::math
