// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/math/matrix.h>

namespace polytask::balancing::detail {

/// LibMTL's weights of the shortest vector in the hull of the rows of a
/// Gramian: the best pair of rows, and from three on steps along the projected
/// gradient, at most 250. The better of two points gets at most 0.999.
///
/// Source: O. Sener, V. Koltun, "Multi-task learning as multi-objective
/// optimization", NeurIPS 2018, algorithm 1 and the authors' code.
math::Vector pair_descent_weights(const math::Matrix& gramian);

} // namespace polytask::balancing::detail
