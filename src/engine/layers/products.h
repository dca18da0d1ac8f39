// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

namespace polytask::detail {

/// Elements of a buffer that is to stay in a core's cache.
inline constexpr int64_t kCachedElements = 1 << 19;

/// Makes `buffer` a tensor of this shape, in the memory it has where it can.
void reserve(
    torch::Tensor& buffer,
    at::IntArrayRef shape,
    const torch::TensorOptions& options);

/// For each task: rows [n, (end - begin) · in] = slopes [n, B, out] of the
/// outputs [begin, end), transposed, times input [B, in]. Rows may stand apart.
void products_over_rows(
    const torch::Tensor& slopes,
    int64_t begin,
    int64_t end,
    const torch::Tensor& input,
    torch::Tensor& rows);

/// sums [n, out] = Σ over B of slopes [n, B, out].
void sum_over_rows(const torch::Tensor& slopes, torch::Tensor sums);

} // namespace polytask::detail
