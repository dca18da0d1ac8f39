// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/optim/optimizer.h>

#include <memory>
#include <optional>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::optim {

/// Parameters with a learning rate of their own, or with the optimizer's.
struct ParameterGroup {
  std::vector<torch::Tensor> parameters;
  std::optional<double> learning_rate = std::nullopt;
  /// False: whatever the options say, their weight decay is 0.
  bool decays = true;
};

/// The optimizer that belongs to `options`: FusedSGD, FusedAdam or FusedAdamW
/// for LibTorch's SGD, Adam and AdamW, LibTorch's own Adagrad or RMSprop, and
/// RowWiseAdagrad. Groups differ in nothing but their learning rate and whether
/// they decay; empty ones are left out.
///
/// Throws on options of another kind (construct that optimizer yourself), on a
/// learning rate that is negative or not finite, and on a tensor that stands in
/// two groups, since LibTorch would step it twice.
POLYTASK_API std::unique_ptr<torch::optim::Optimizer> make_optimizer(
    const std::vector<ParameterGroup>& groups,
    const torch::optim::OptimizerOptions& options);

} // namespace polytask::optim
