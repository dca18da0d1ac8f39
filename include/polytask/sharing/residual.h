// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <memory>
#include <optional>
#include <ostream>

#include <polytask/core/api.h>
#include <polytask/core/network.h>

namespace polytask {

/// A layer around others that adds what they were given to what they make of
/// it: `x + inner(x)`, of any shape that `inner` keeps. Throws, and names both
/// shapes, where `inner` gives another: LibTorch would repeat the smaller one.
///
/// Source: K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image
/// Recognition", CVPR 2016, equation 1.
///
/// ```cpp
/// torch::nn::Sequential inner(torch::nn::Linear(64, 64), torch::nn::ReLU());
/// torch::nn::Sequential trunk(
///     torch::nn::Linear(21, 64), polytask::Residual(inner));
/// ```
class POLYTASK_API ResidualImpl : public torch::nn::Module {
 public:
  using OnlyReads = ResidualImpl;

  /// `inner`: any torch::nn module; one that works in place leaves x as it is.
  explicit ResidualImpl(Network inner);

  torch::Tensor forward(const torch::Tensor& input);
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;
  void pretty_print(std::ostream& stream) const override;

  const Network& inner() const {
    return inner_;
  }

 private:
  Network inner_;
};

TORCH_MODULE(Residual);

} // namespace polytask
