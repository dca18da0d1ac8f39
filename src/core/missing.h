// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::detail {

/// A bool tensor in the shape of `values`: NaN in a floating-point tensor,
/// `ignore_index` in an integer one.
POLYTASK_API at::Tensor missing_mask(
    const at::Tensor& values, int64_t ignore_index);

/// Whether any element is there; looks no further than to the first.
POLYTASK_API bool has_present(const at::Tensor& values, int64_t ignore_index);

/// How many elements of each tensor are missing; none in an undefined one. On
/// the CPU by a plain pass over the memory; other devices are waited for once
/// each.
POLYTASK_API std::vector<int64_t> count_missing(
    const std::vector<at::Tensor>& tensors, int64_t ignore_index);

} // namespace polytask::detail
