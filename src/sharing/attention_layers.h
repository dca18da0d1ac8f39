// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <cstdint>

#include <polytask/core/api.h>
#include <polytask/core/network.h>

namespace polytask::detail {

/// From `inputs` channels over `hidden` to a mask of `outputs` in (0, 1): of
/// maps [B, C, H, W] or of [B, C].
POLYTASK_API Network
attention_mask(bool of_maps, int64_t inputs, int64_t hidden, int64_t outputs);

/// What stands between two stages of an MTAN.
POLYTASK_API Network
attention_block(bool of_maps, int64_t inputs, int64_t outputs);

/// Maps [B, C, H, W], max-pooled to another H and W.
POLYTASK_API torch::Tensor pooled_to(
    const torch::Tensor& maps, int64_t height, int64_t width);

} // namespace polytask::detail
