// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <vector>

// Parameters as one vector [N], one after the other.

namespace polytask::detail {

/// Of a vector [N] for parameters, of which there is one at least: the dtype
/// that holds the values of all.
torch::TensorOptions options_of(const std::vector<torch::Tensor>& parameters);

/// Throws on a gradient that is sparse.
void check_dense(const torch::Tensor& gradient);

/// Writes gradients, which may be undefined, of `parameters` to `row` [N].
void write_flat(
    const std::vector<torch::Tensor>& gradients,
    const std::vector<torch::Tensor>& parameters,
    torch::Tensor row);

/// Makes the parts of `direction` [N] the parameters' gradients, in their own
/// dtypes.
void set_flat_gradient(
    const std::vector<torch::Tensor>& parameters,
    const torch::Tensor& direction);

/// Makes a gradient that autograd gave the parameter's, in memory of its own:
/// LibTorch's zero_grad cannot detach a view.
void set_own_gradient(
    const torch::Tensor& parameter, const torch::Tensor& gradient);

std::vector<int64_t> sizes_of(const std::vector<torch::Tensor>& parameters);

} // namespace polytask::detail
