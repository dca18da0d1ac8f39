// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include "known_layer.h"

namespace polytask::detail {

/// The gain and the bias behind what a layer has normalized, where its module
/// keeps them; undefined where it has none.
struct AffineParameters {
  const torch::Tensor& weight;
  const torch::Tensor& bias;

  Obstacle obstacle(
      at::IntArrayRef shape, at::ScalarType type, torch::Device device) const;
  /// Those that learn.
  LayerParameters trained() const;
  /// Writes their gradients to `rows` [n, own N]: sums of the cotangents and of
  /// their products with what is normalized over dimensions `dims`.
  void write_rows(
      const torch::Tensor& cotangents,
      const torch::Tensor& normalized,
      at::IntArrayRef dims,
      const torch::Tensor& rows) const;
};

/// From the gradient of what was normalized by its own mean and variance over
/// dimensions `dims` to that of the input, but for the scale it was multiplied
/// by.
torch::Tensor through_statistics(
    const torch::Tensor& slopes,
    const torch::Tensor& normalized,
    at::IntArrayRef dims);

} // namespace polytask::detail
