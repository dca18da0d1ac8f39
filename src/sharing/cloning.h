// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>

#include <polytask/core/api.h>

namespace polytask::detail {

/// Gives a module's clone what LibTorch's clones lose: the names in a
/// `Sequential`, and whether each module trains and each parameter learns.
POLYTASK_API void complete_clone(
    const torch::nn::Module& original, torch::nn::Module& copy);

} // namespace polytask::detail
