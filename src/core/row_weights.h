// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include <polytask/core/api.h>

namespace polytask::detail {

/// `weights` [B] or [B, 1] as [B], apart from any graph. Throws unless there is
/// one for each row of `target`, in floating point and on its device.
POLYTASK_API at::Tensor row_weights(
    at::Tensor weights, const at::Tensor& target);

/// Weights, float or double, times the power of two that brings the largest
/// near 1: neither they nor their sum then leave the range of a narrower type.
POLYTASK_API at::Tensor of_largest_near_one(const at::Tensor& weights);

struct RowWeights {
  /// How many are 0.
  int64_t zeros = 0;
  /// How many labels are then missing; nothing where nobody asked.
  std::optional<int64_t> missing;
};

/// Looks through the weights. Throws on one that is negative, NaN or infinite,
/// and where their sum overflows. `missing` is a mask over labels, to be
/// counted by the way, or undefined: an accelerator is waited for once for all.
POLYTASK_API RowWeights
check_row_weights(const at::Tensor& weights, const at::Tensor& missing = {});

} // namespace polytask::detail
