// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/api.h>
#include <polytask/math/matrix.h>

namespace polytask::math {

/// The weights w of the simplex that minimise <g_w, g_0> + c |g_0| |g_w|, where
/// g_w = J^T w, and g_0 is the mean of the T rows of the Jacobian J.
///
/// `gramian` is G = J J^T, [T, T]; `c` is at least 0. Solved exactly, by an
/// active set whose minimum on a face has a closed form, on rows of unit
/// length. The direction of g_w is unique, unless g_w is zero, which to
/// rounding is a length of 1e-7 times that of its terms w_i g_i, or c = 1 and
/// every direction opposite to g_0 is as good. With c = 0 all weight is on one
/// row. Where g_0 is zero (every w is as good) the weights are equal. Values
/// must be finite. Errors: a negative c; rounding that keeps the active set
/// from settling.
///
/// Source: B. Liu, X. Liu, X. Jin, P. Stone, Q. Liu, "Conflict-averse gradient
/// descent for multi-task learning", NeurIPS 2021, equation 3.
POLYTASK_API Vector conflict_averse_point(const Matrix& gramian, double c);

} // namespace polytask::math
