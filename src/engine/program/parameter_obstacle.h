// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include "obstacle.h"

namespace polytask::detail {

/// Why a parameter cannot be read and differentiated by hand: it is not plain
/// memory of this shape and dtype on this device, or somebody listens to its
/// gradient by a hook.
Obstacle parameter_obstacle(
    const torch::Tensor& parameter,
    at::IntArrayRef shape,
    at::ScalarType type,
    torch::Device device = torch::kCPU);

} // namespace polytask::detail
