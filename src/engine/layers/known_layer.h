// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../balanced/gramian_sum.h"
#include "../program/obstacle.h"

namespace polytask::detail {

/// A layer that the engine differentiates by hand, for n tasks at once: their
/// cotangents stand one after the other, [n · B, ...], on one forward of B
/// rows.
///
/// Parameters are read anew in each step, for the user may move, freeze or
/// replace them.
class KnownLayer {
 public:
  virtual ~KnownLayer() = default;

  /// Null where the module is none of the known kinds, or is derived from one.
  static std::unique_ptr<KnownLayer> of(
      const std::shared_ptr<torch::nn::Module>& module);

  /// What changes from step to step: the mode, the parameters' memory, hooks.
  virtual Obstacle obstacle(
      at::ScalarType type, torch::Device device) const = 0;
  /// Those that are to be trained, in the module's order.
  virtual std::vector<torch::Tensor> parameters() const {
    return {};
  }
  /// Keeps what the backward needs; overwritten by the next call.
  virtual torch::Tensor forward(const torch::Tensor& input) = 0;

  /// What `write_rows` and `add_to_gramian` cost after this forward, in
  /// nanoseconds.
  struct Costs {
    double rows = 0;
    double gramian = 0;
  };
  virtual Costs costs(int64_t /*tasks*/) const {
    return {};
  }

  /// Writes the gradients of `parameters()` to `rows` [n, own N], whose rows
  /// may stand apart.
  virtual void write_rows(
      const torch::Tensor& /*cotangents*/, torch::Tensor /*rows*/) {}
  /// Adds their inner products; holds no more than a part of the rows where
  /// that can be avoided.
  virtual void add_to_gramian(
      const torch::Tensor& cotangents, int64_t tasks, GramianSum& sum);
  /// From the cotangents of the output to those of the input. May write to
  /// `cotangents`.
  virtual torch::Tensor backward(
      const torch::Tensor& cotangents, int64_t tasks) = 0;
};

// The kinds, each in a file of its own; null where the module is another.
std::unique_ptr<KnownLayer> make_linear(
    const std::shared_ptr<torch::nn::Module>& module);
std::unique_ptr<KnownLayer> make_conv2d(
    const std::shared_ptr<torch::nn::Module>& module);
std::unique_ptr<KnownLayer> make_layer_norm(
    const std::shared_ptr<torch::nn::Module>& module);
std::unique_ptr<KnownLayer> make_embedding(
    const std::shared_ptr<torch::nn::Module>& module);
std::unique_ptr<KnownLayer> make_activation(
    const std::shared_ptr<torch::nn::Module>& module);
std::unique_ptr<KnownLayer> make_reshaping(
    const std::shared_ptr<torch::nn::Module>& module);

} // namespace polytask::detail
