// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::detail {

/// The value of a one-element floating-point tensor, read without the
/// dispatcher; nothing where reading it would wait for a device.
POLYTASK_API std::optional<double> host_value(const at::Tensor& scalar);

/// The values as a tensor [n] of these options, written without the dispatcher
/// on the CPU. Does not wait for a device.
POLYTASK_API at::Tensor host_vector(
    const std::vector<double>& values, const at::TensorOptions& options);

} // namespace polytask::detail
