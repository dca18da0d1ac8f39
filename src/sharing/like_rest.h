// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <polytask/core/api.h>

namespace polytask::detail {

/// Gives a module that a sharing makes for a further task the dtype, device and
/// mode of what the sharing has already.
POLYTASK_API void make_like_rest(
    const torch::nn::Module& rest, torch::nn::Module& module);

/// The first floating-point parameter, or buffer; undefined if there is none.
POLYTASK_API torch::Tensor first_floating(const torch::nn::Module& module);

} // namespace polytask::detail
