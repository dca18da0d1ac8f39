// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace polytask::fit::detail {

/// Mean cosines [T, T] of the tasks' gradients as a picture, and the pairs that
/// are most opposed as a table; with the part of steps in conflict [T, T] where
/// it is defined.
std::string conflict_map(
    const std::vector<std::string>& tasks,
    const at::Tensor& cosines,
    const at::Tensor& rates);

} // namespace polytask::fit::detail
