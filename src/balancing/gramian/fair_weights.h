// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/math/matrix.h>

namespace polytask::balancing::detail {

/// The w > 0 with G w = w^(-1/alpha) on the rows that are not zero, and 0 on
/// the others. Where these are Pareto stationary and there is none, Jᵀ w is 0
/// to rounding.
math::Vector fair_weights(const math::Matrix& gramian, double alpha);

} // namespace polytask::balancing::detail
