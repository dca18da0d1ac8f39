// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::io::detail {

/// Whether keys of these hashes, as c10::Dict takes them, were chosen such that
/// its table would grow far beyond their number: it doubles until they fit, so
/// that a few dozen keys can take all memory.
POLYTASK_API bool are_crowded(const std::vector<size_t>& hashes);

} // namespace polytask::io::detail
