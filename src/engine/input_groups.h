// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <vector>

#include "program/head_step.h"

namespace polytask::detail {

/// For each step, which of the inputs is its own, numbered from 0 in the order
/// in which they come first: tasks of one data set come with the same tensor,
/// and nothing has to be computed on it twice.
std::vector<size_t> input_groups(const HeadSteps& steps, bool share_input);

} // namespace polytask::detail
