// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::detail {

/// The tensors in their order, each once: two handles of one tensor are the
/// same tensor, two tensors of equal values are not.
POLYTASK_API std::vector<at::Tensor> unique_tensors(
    const std::vector<at::Tensor>& tensors);

/// The tensors that are not among `others`, by identity.
POLYTASK_API std::vector<at::Tensor> without(
    const std::vector<at::Tensor>& tensors,
    const std::vector<at::Tensor>& others);

/// The number of elements of all tensors together.
POLYTASK_API int64_t count_elements(const std::vector<at::Tensor>& tensors);

} // namespace polytask::detail
