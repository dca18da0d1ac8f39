// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace polytask::detail {

/// Throws, in the name of `who`, unless `index` is int64 [n] and each entry one
/// of the rows 0 to `rows` - 1. Waits for an accelerator that holds the index.
void check_row_index(
    const std::string& who, const at::Tensor& index, int64_t rows);

/// The rows 0 to `rows` - 1 in an order that depends only on the other two
/// numbers, on every platform: int64 [rows].
at::Tensor shuffled_rows(int64_t rows, uint64_t seed, uint64_t stream = 0);

} // namespace polytask::detail
