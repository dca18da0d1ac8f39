// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/api.h>
#include <polytask/math/matrix.h>

namespace polytask::math {

/// The weights w > 0 with G w = w^(-1 / alpha), element by element.
///
/// `gramian` is G = J J^T, [T, T]; `alpha` is positive. The equation says that
/// the gradient of the convex potential 1/2 w^T G w - sum_i phi(w_i) vanishes,
/// where phi'(t) = t^(-1 / alpha); it is solved by damped Newton steps, scaled
/// so that rows of any length count alike. Values must be finite, and no row
/// zero.
///
/// There are no such weights where the convex hull of the rows holds zero.
/// Those of rows with a component of their own each (see own_component) are
/// finite everywhere; where most of J^T w is those components, they
/// shrink, and J^T w is zero.
///
/// Errors: an alpha that is not positive; a zero on the diagonal.
///
/// Source: A. Navon et al., "Multi-task learning as a bargaining game", ICML
/// 2022 (alpha = 1); H. Ban, K. Ji, "Fair resource allocation in multi-task
/// learning", ICML 2024 (any alpha).
POLYTASK_API Vector solve_power_equation(const Matrix& gramian, double alpha);

} // namespace polytask::math
