// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <vector>

#include <polytask/core/api.h>

namespace polytask::detail {

/// Of rows [n] that are to come near to each other: the sum over the pairs i, j
/// with at least one that moves of |row i - row j|². Rows that do not move are
/// to be detached.
POLYTASK_API torch::Tensor squared_distances(
    const std::vector<torch::Tensor>& rows, const std::vector<bool>& moves);

/// The sum of the singular values of a matrix, with U Vᵀ of those that are not
/// 0 as its gradient. Throws where it is not finite.
POLYTASK_API torch::Tensor trace_norm(const torch::Tensor& matrix);

} // namespace polytask::detail
