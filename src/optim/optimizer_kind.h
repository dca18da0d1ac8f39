// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/optim/optimizer.h>

#include <string>

#include <polytask/core/api.h>

namespace polytask::optim::detail {

/// LibTorch's name of it, such as "Adam", which a fused one shares; of others
/// their type.
POLYTASK_API std::string kind_of(const torch::optim::Optimizer& optimizer);

/// Why it cannot take a sparse gradient; empty where it can, or is unknown.
POLYTASK_API std::string sparse_obstacle(
    const torch::optim::Optimizer& optimizer);

} // namespace polytask::optim::detail
