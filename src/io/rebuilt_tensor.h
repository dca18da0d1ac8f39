// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Storage.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace polytask::io::detail {

/// A short pickle can name the same long list of sizes for many tensors.
constexpr size_t kMostDims = 64;

/// A view, in elements, into a storage of the CPU. Throws c10::Error if
/// numbers are negative or any element lies beyond the storage.
at::Tensor rebuilt_tensor(
    const c10::Storage& storage,
    at::ScalarType type,
    int64_t offset,
    const std::vector<int64_t>& sizes,
    const std::vector<int64_t>& strides);

} // namespace polytask::io::detail
