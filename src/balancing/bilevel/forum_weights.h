// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/api.h>
#include <polytask/math/matrix.h>

namespace polytask::balancing::detail {

/// What FORUM weighs in a step: T upper directions F_k and the lower one, q.
struct ForumDirections {
  /// <F_k, F_l>, [T, T]; rows of length 1 or 0.
  math::Matrix products;
  /// <F_k, q>, [T].
  math::Vector with_lower;
  /// |q|².
  double lower_square;
};

/// What is added to |q|² where something is divided by it.
inline constexpr double kForumTiny = 1e-8;
/// A q whose square is below this says that the lower problem is solved.
inline constexpr double kForumSolved = 1e-16;

/// π_k = φ - <F_k, q> / (|q|² + 1e-8), [T]: how much of q it takes that a step
/// along F_k lowers the lower problem by φ |q|².
POLYTASK_API math::Vector forum_slopes(
    const ForumDirections& directions, double phi);

/// The w in the simplex, [T], with the v that minimise
///
///   |Σ_k w_k F_k + v q|² - φ (|q|² + 1e-8) v,   v >= 0,  v >= Σ_k w_k π_k.
///
/// Exact: an active set on (w, v, v - Σ w_k π_k) >= 0 with rows of length 1.
/// Where q vanishes, it has no part.
///
/// Source: J. Nocedal, S. Wright, "Numerical optimization", 2006, algorithm
/// 16.3.
POLYTASK_API math::Vector forum_weights(
    const ForumDirections& directions, double phi);

} // namespace polytask::balancing::detail
