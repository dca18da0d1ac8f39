// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <initializer_list>

#include <polytask/core/api.h>

namespace polytask::detail {

/// A number in (0, 1) that seed and place alone decide, so that nothing has to
/// be kept to draw it again. The numbers of different places are as if drawn
/// independently.
///
/// Source: G. L. Steele, D. Lea, C. H. Flood, "Fast Splittable Pseudorandom
/// Number Generators", OOPSLA 2014 (the mixing function of SplitMix64).
POLYTASK_API double uniform_at(
    uint64_t seed, std::initializer_list<int64_t> place);

} // namespace polytask::detail
