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
/// length with a component of its own for each (see own_component): then g_w is
/// never zero, and where that of the rows themselves is, the component of g_w
/// in their span is the one that makes g_0 + c |g_0| g_w / |g_w| the nearest to
/// g_0 that harms no task. With c = 0 all weight is on one row. Where all rows
/// are zero the weights are equal. Values must be finite. Errors: a negative c.
///
/// Source: B. Liu, X. Liu, X. Jin, P. Stone, Q. Liu, "Conflict-averse gradient
/// descent for multi-task learning", NeurIPS 2021, equation 3.
POLYTASK_API Vector conflict_averse_point(const Matrix& gramian, double c);

} // namespace polytask::math
