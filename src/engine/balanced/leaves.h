// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <vector>

namespace polytask::detail {

/// The leaves that a backward from these tensors reaches, each once.
std::vector<torch::Tensor> leaves_of(const std::vector<torch::Tensor>& roots);

/// Adds to the gradient of a leaf, as autograd does.
void accumulate_gradient(
    const torch::Tensor& leaf, const torch::Tensor& gradient);

} // namespace polytask::detail
