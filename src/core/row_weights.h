// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include <polytask/core/api.h>

namespace polytask::detail {

/// `weights` [B] or [B, 1] as [B], apart from any graph. Throws unless there is
/// one for each row of `target`, in floating point and on its device.
POLYTASK_API at::Tensor row_weights(
    at::Tensor weights, const at::Tensor& target);

/// How many of these are 0. Throws on one that is negative, NaN or infinite,
/// and where their sum overflows. An accelerator is waited for once.
POLYTASK_API int64_t check_row_weights(const at::Tensor& weights);

} // namespace polytask::detail
