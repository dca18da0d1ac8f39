// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "obstacle.h"

namespace polytask::detail {

/// A linear layer of the model: where its module keeps its parameters. They
/// are read anew in each step, for the user may move or replace them.
struct LinearLayer {
  std::shared_ptr<torch::nn::Module> module;
  const torch::Tensor* weight; // [outputs, width]
  const torch::Tensor* bias;   // [outputs], undefined without bias
  int64_t outputs;
  int64_t width;
  /// Those that the module has registered.
  torch::Tensor registered_weight;
  torch::Tensor registered_bias;

  /// Nothing where the module is not a LinearTask or a torch::nn::Linear, or
  /// is derived from one.
  static std::optional<LinearLayer> of(
      const std::shared_ptr<torch::nn::Module>& module);

  bool has_bias() const {
    return bias->defined();
  }
  bool is_trained() const {
    return weight->requires_grad() || (has_bias() && bias->requires_grad());
  }
  /// Whether the parameters are those that are registered, plain memory of this
  /// dtype, and nobody listens to their gradients by a hook.
  Obstacle obstacle(
      at::ScalarType type, torch::Device device = torch::kCPU) const;
};

/// Makes `gradient` the parameter's, or clears it where `gradient` is
/// undefined or the parameter is frozen.
void set_gradient(
    const torch::Tensor& parameter, const torch::Tensor& gradient);

/// A tensor on a part of `buffer`'s memory that is no view of it, so that
/// LibTorch may detach it in place.
torch::Tensor alias(
    const torch::Tensor& buffer, int64_t offset, at::IntArrayRef shape);

} // namespace polytask::detail
