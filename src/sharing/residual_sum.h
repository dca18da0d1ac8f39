// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <polytask/core/api.h>

namespace polytask::detail {

/// What a Residual makes of its input and of its inner layers' output. Throws
/// where their shapes differ.
POLYTASK_API torch::Tensor residual_sum(
    const torch::Tensor& input, const torch::Tensor& output);

} // namespace polytask::detail
