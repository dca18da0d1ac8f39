// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>

#include <optional>

#include <polytask/core/api.h>

namespace polytask::detail {

/// Gives a module that was built alike the parameters and buffers of another:
/// copies of them, in their dtypes.
POLYTASK_API void copy_state(
    const torch::nn::Module& original,
    torch::nn::Module& copy,
    const std::optional<torch::Device>& device);

} // namespace polytask::detail
