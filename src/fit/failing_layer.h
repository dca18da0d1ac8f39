// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <string>

namespace polytask::fit::detail {

/// Which layer of a module cannot take its input, where that can be told from
/// outside: of a Sequential its failing part, else the module itself. Such as
/// "'sharing.trunk.2', torch::nn::Linear(in_features=8, …), was given [32, 9]".
std::string failing_layer(
    const torch::nn::Module& module,
    const std::string& name,
    const at::Tensor& input);

} // namespace polytask::fit::detail
