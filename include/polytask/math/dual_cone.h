// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>

#include <polytask/core/api.h>
#include <polytask/math/matrix.h>

namespace polytask::math {

/// What is added to a Gramian G before a projection onto its dual cone:
/// G / trace(G) + reg_eps I, with zeros for G / trace(G) where trace(G) is
/// below `norm_eps`. Makes weights unique, but rows whose squared norm is below
/// about `reg_eps` of the trace lose their protection from conflict.
struct DualConeRegularization {
  double norm_eps = 1e-4;
  double reg_eps = 1e-4;
};

/// The weights v of the projection of J^T u onto {x : J x >= 0}, the dual cone
/// of the rows of a Jacobian J: argmin of v^T G v subject to v >= u.
///
/// `gramian` is G = J J^T, [T, T]; `u` and the result have T elements. At the
/// result v >= u, G v >= 0, and for each row one of them is an equality. Solved
/// exactly, by an active set, on rows of unit length, so that rows of any
/// length are protected. J^T v is unique; where rows depend on each other to
/// their rounding, v is the nearest to u of those that are as good, and at most
/// about |J^T u| / sqrt(own_component(G)). Values must be finite.
///
/// Source: P. Quinton, V. Rey, "Jacobian descent for multi-objective
/// optimization", 2024, proposition 1; the active set is that of C. Lawson and
/// R. Hanson, "Solving least squares problems", 1974, chapter 23.
POLYTASK_API Vector
dual_cone_projection(const Matrix& gramian, std::span<const double> u);

/// The sum over rows i of the projections of u_i e_i, cheaper than one by one.
POLYTASK_API Vector
dual_cone_projection_of_each(const Matrix& gramian, std::span<const double> u);

/// `gramian` with the regularization in it, to hand to either of the above.
/// What they protect is then no longer independent of scale.
POLYTASK_API Matrix regularize_gramian(
    const Matrix& gramian, const DualConeRegularization& regularization);

} // namespace polytask::math
