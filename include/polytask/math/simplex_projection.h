// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>

#include <polytask/core/api.h>

namespace polytask::math {

/// Replaces `values` (one or more) by the nearest point of the probability
/// simplex: max(values_i - threshold, 0), which sums to one. In O(T log T).
///
/// Source: M. Held, P. Wolfe, H. Crowder, "Validation of subgradient
/// optimization", Mathematical Programming 1974; J. Duchi, S. Shalev-Shwartz,
/// Y. Singer, T. Chandra, "Efficient projections onto the l1-ball for learning
/// in high dimensions", ICML 2008, figure 1.
POLYTASK_API void project_onto_simplex(std::span<double> values);

} // namespace polytask::math
