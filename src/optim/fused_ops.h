// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include "fused_lists.h"

// LibTorch's fused kernels carry a leading underscore: they may change. All
// that polytask knows of them is here; CMake checks that they are as expected.
namespace polytask::optim::detail {

/// False where this LibTorch lacks the kernels; then the rest throws.
bool has_fused_ops();

/// `call.state`: the momentum buffers, or nothing where momentum is 0.
void fused_sgd_(FusedCall& call, const torch::optim::SGDOptions& options);

/// `call.state`: exp_avg, exp_avg_sq, max_exp_avg_sq (with amsgrad), and the
/// numbers of steps including this one.
void fused_adam_(FusedCall& call, const torch::optim::AdamOptions& options);
void fused_adam_(FusedCall& call, const torch::optim::AdamWOptions& options);

} // namespace polytask::optim::detail
