// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <span>

#include <polytask/core/api.h>
#include <polytask/math/matrix.h>

namespace polytask::math {

/// The weights w of d = J^T w, the vector nearest to row 0 of a Jacobian J with
/// <g_j, d> >= bounds_j for every other row g_j; none where no d satisfies
/// them.
///
/// `gramian` is G = J J^T, [T, T]; `bounds` has T elements, of which the first
/// is not read. At the result w_0 = 1; the other w_j >= 0 are the multipliers,
/// zero where a constraint does not bind. d is unique; of w where rows depend
/// on each other, the smallest. A zero row's constraint holds if its bound is
/// at most 0. Values must be finite.
///
/// Source: D. Goldfarb, A. Idnani, "A numerically stable dual method for
/// solving strictly convex quadratic programs", Mathematical Programming 1983.
POLYTASK_API std::optional<Vector> project_onto_halfspaces(
    const Matrix& gramian, std::span<const double> bounds);

} // namespace polytask::math
