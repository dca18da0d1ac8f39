// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>

#include <polytask/core/api.h>
#include <polytask/math/matrix.h>

namespace polytask::math {

/// The x with A x = rhs for a symmetric positive semidefinite A, [T, T], of
/// diagonal elements 1 or 0, such as cosines. Where A is singular to its
/// rounding, the shortest of those with the least |A x - rhs|, and what of
/// `rhs` A cannot reach makes x large: by Cholesky of A with own_component on
/// its diagonal, or by eigenvectors, and refined towards A itself.
POLYTASK_API Vector
shortest_solution(const Matrix& matrix, std::span<const double> rhs);

} // namespace polytask::math
