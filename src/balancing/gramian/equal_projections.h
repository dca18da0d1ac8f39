// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/math/matrix.h>

namespace polytask::balancing::detail {

/// IMTL-G: weights, Σ w = 1, with which Jᵀ w has equal projections on all rows
/// that are not zero; zeros where there are none.
math::Vector equal_projection_weights(const math::Matrix& gramian);

} // namespace polytask::balancing::detail
