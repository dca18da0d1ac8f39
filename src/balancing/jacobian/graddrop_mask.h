// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/balancing/balancing.h>

namespace polytask::balancing::detail {

/// 1 where a vote [T, N] agrees with the sign that is drawn for its column,
/// positive with probability `purity` [N], else 0. "uniform" [N] among the
/// extras takes the place of random numbers.
at::Tensor graddrop_mask(
    const at::Tensor& votes,
    const at::Tensor& purity,
    const Extras& extras,
    Random& random,
    const std::string& who);

} // namespace polytask::balancing::detail
