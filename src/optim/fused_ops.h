// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include "fused_lists.h"

// LibTorch's fused kernels carry a leading underscore: they may change. All
// that polytask knows of them is here; CMake checks that they are as expected.
// So do those of GradScaler.
namespace polytask::optim::detail {

/// False where this LibTorch lacks the kernels; then the rest throws.
bool has_fused_ops();

/// `scaling` may be null in all of them. On a CPU, whoever calls leaves out the
/// step.
///
/// `call.state`: the momentum buffers, or nothing where momentum is 0.
void fused_sgd_(
    FusedCall& call,
    const torch::optim::SGDOptions& options,
    const Scaling* scaling);

/// `call.state`: exp_avg, exp_avg_sq, max_exp_avg_sq (with amsgrad), and the
/// numbers of steps including this one.
void fused_adam_(
    FusedCall& call,
    const torch::optim::AdamOptions& options,
    const Scaling* scaling);
void fused_adam_(
    FusedCall& call,
    const torch::optim::AdamWOptions& options,
    const Scaling* scaling);

/// Multiplies gradients of one device and dtype by `factor`, and sets
/// `found_inf` to 1 where a number among them is not finite. `factor`,
/// `found_inf`: float, of shape [], on their device.
void check_and_multiply_(
    const std::vector<at::Tensor>& gradients,
    at::Tensor& found_inf,
    const at::Tensor& factor);

/// GradScaler's rule. `scale`, `found_inf`: float; `growth_tracker`: int; all
/// of shape [] and on one device.
void update_scale_(
    at::Tensor& scale,
    at::Tensor& growth_tracker,
    const at::Tensor& found_inf,
    double growth_factor,
    double backoff_factor,
    int64_t growth_interval);

} // namespace polytask::optim::detail
