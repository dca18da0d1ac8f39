// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include <polytask/core/api.h>
#include <polytask/math/matrix.h>

namespace polytask::math {

/// The weights w > 0 with G w = w^(-1 / alpha), element by element; none where
/// there are none, which is when the convex hull of the rows holds zero.
///
/// `gramian` is G = J J^T, [T, T]; `alpha` is positive. The equation says that
/// the gradient of the convex potential 1/2 w^T G w - sum_i phi(w_i) vanishes,
/// where phi'(t) = t^(-1 / alpha); it is solved by damped Newton steps, scaled
/// so that rows of any length count alike. Zero counts as held when the hull of
/// the unit rows has a point of squared length below 1e-13. Values must be
/// finite. Errors: an alpha that is not positive; steps that do not settle.
///
/// Source: A. Navon et al., "Multi-task learning as a bargaining game", ICML
/// 2022 (alpha = 1); H. Ban, K. Ji, "Fair resource allocation in multi-task
/// learning", ICML 2024 (any alpha).
POLYTASK_API std::optional<Vector> solve_power_equation(
    const Matrix& gramian, double alpha);

} // namespace polytask::math
