// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/ArrayRef.h>
#include <torch/optim/optimizer.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>

#include <string>
#include <vector>

#include "head_step.h"
#include "linear_heads.h"

namespace polytask::detail {

/// The SGD options of each step's head. Empty, with the reason, unless the
/// optimizer is torch::optim::SGD or polytask's, and has all parameters of a
/// head in one group, trained and in step with each other.
std::vector<const torch::optim::SGDOptions*> sgd_options_of(
    torch::optim::Optimizer& optimizer,
    const LinearHeads& heads,
    c10::ArrayRef<HeadStep> steps,
    std::string& reason);

/// The momentum buffer of a parameter; undefined before its first step.
torch::Tensor momentum_of(
    torch::optim::Optimizer& optimizer, const torch::Tensor& parameter);
void set_momentum(
    torch::optim::Optimizer& optimizer,
    const torch::Tensor& parameter,
    const torch::Tensor& buffer);

} // namespace polytask::detail
