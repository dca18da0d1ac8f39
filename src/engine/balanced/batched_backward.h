// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <functional>
#include <vector>

namespace polytask::detail {

/// The gradients of `output` for `inputs`, each [n, ...], for n cotangents
/// [n, ...] at once; undefined for an input that it does not depend on. Keeps
/// the graph.
std::vector<torch::Tensor> batched_gradients(
    const torch::Tensor& output,
    const torch::Tensor& cotangents,
    const std::vector<torch::Tensor>& inputs);

/// The same, but hands each gradient on as soon as it is whole and then drops
/// it. `inputs` are all leaves of the graph that require a gradient.
void stream_gradients(
    const torch::Tensor& output,
    const torch::Tensor& cotangents,
    const std::vector<torch::Tensor>& inputs,
    const std::function<void(size_t input, const torch::Tensor&)>& visit);

/// Whether `stream_gradients` works with this build of LibTorch.
bool can_stream();

} // namespace polytask::detail
