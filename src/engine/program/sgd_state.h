// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/optim/optimizer.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>

#include <string>

#include "linear_layer.h"

namespace polytask::detail {

/// The SGD options of a layer's parameters. Null, with the reason, unless the
/// optimizer is torch::optim::SGD or polytask's, and has all of them in one
/// group, trained and in step with each other.
const torch::optim::SGDOptions* sgd_options_of(
    torch::optim::Optimizer& optimizer,
    const LinearLayer& layer,
    std::string& reason);

/// The momentum buffer of a parameter; undefined before its first step.
torch::Tensor momentum_of(
    torch::optim::Optimizer& optimizer, const torch::Tensor& parameter);
void set_momentum(
    torch::optim::Optimizer& optimizer,
    const torch::Tensor& parameter,
    const torch::Tensor& buffer);

} // namespace polytask::detail
