// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <polytask/math/matrix.h>

namespace polytask::balancing::detail {

/// Frank-Wolfe steps from equal weights towards the shortest vector in the hull
/// of the rows of a Gramian; ends after a step below `epsilon`.
///
/// Source: O. Sener, V. Koltun, "Multi-task learning as multi-objective
/// optimization", NeurIPS 2018, algorithm 2; M. Jaggi, "Revisiting Frank-Wolfe:
/// projection-free sparse convex optimization", ICML 2013.
math::Vector frank_wolfe_weights(
    const math::Matrix& gramian, double epsilon, int64_t max_iters);

} // namespace polytask::balancing::detail
