// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <utility>
#include <vector>

#include <polytask/balancing/balancing.h>
#include <polytask/engine/engine.h>

#include "task_weights.h"

namespace polytask::detail {

/// What a method that reads losses makes of them.
struct LossWeights {
  /// [n]: the derivative for each loss.
  TaskWeights weights;
  /// The parameters that it learns, and their gradients; undefined for none.
  std::vector<std::pair<torch::Tensor, torch::Tensor>> learned;
};

/// `losses` [n], detached, each times its task's weight. Counts as a step of
/// the method.
LossWeights weigh_losses(
    balancing::Balancing& method,
    const torch::Tensor& losses,
    const balancing::Extras& extras);

/// Whether what single tasks have learns from the loss times its weight.
bool weighs_heads(HeadGradients wanted, const balancing::Balancing& method);

} // namespace polytask::detail
