// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <utility>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::detail {

/// The value of a one-element floating-point tensor, read without the
/// dispatcher; nothing where reading it would wait for a device.
POLYTASK_API std::optional<double> host_value(const at::Tensor& scalar);

/// Writes all values of a tensor, row by row; waits for a device.
POLYTASK_API void copy_to_host(const at::Tensor& from, double* to);
/// The same as a vector.
POLYTASK_API std::vector<double> host_values(const at::Tensor& tensor);

/// The values as a tensor [n] of these options, written without the dispatcher
/// on the CPU. Does not wait for a device.
POLYTASK_API at::Tensor host_vector(
    const std::vector<double>& values, const at::TensorOptions& options);

/// Two vectors of equal length in one piece of the host's memory, float or
/// double: half of what two tensors cost.
std::pair<at::Tensor, at::Tensor> host_vectors(
    const std::vector<double>& first,
    const std::vector<double>& second,
    at::ScalarType type);

} // namespace polytask::detail
