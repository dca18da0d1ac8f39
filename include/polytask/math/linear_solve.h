// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <span>

#include <polytask/core/api.h>
#include <polytask/math/matrix.h>

namespace polytask::math {

/// The x with A x = rhs for a symmetric positive definite A, [T, T], by
/// Cholesky; none where a pivot is at rounding level of its diagonal element.
POLYTASK_API std::optional<Vector> solve_spd(
    const Matrix& matrix, std::span<const double> rhs);

/// The shortest x that minimises |A x - rhs|, for a symmetric positive
/// semidefinite A, [T, T]. Eigenvalues below `relative_cutoff` times the
/// largest count as zero; give matrices of comparable diagonal elements, such
/// as cosines, or small rows are cut off.
POLYTASK_API Vector pseudo_solve(
    const Matrix& matrix,
    std::span<const double> rhs,
    double relative_cutoff = 1e-12);

} // namespace polytask::math
