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
/// length. g_w is unique unless it is zero; squared lengths at rounding level,
/// relative to the shortest row, count as zero. Where g_0 is zero (every w is
/// as good) the weights are equal. An error if rounding keeps the active set
/// from settling, as with values that are not finite.
///
/// Source: B. Liu, X. Liu, X. Jin, P. Stone, Q. Liu, "Conflict-averse gradient
/// descent for multi-task learning", NeurIPS 2021, equation 3.
POLYTASK_API Vector conflict_averse_point(const Matrix& gramian, double c);

} // namespace polytask::math
