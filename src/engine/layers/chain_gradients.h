// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <memory>
#include <vector>

#include "layer_chain.h"

namespace polytask::detail {

/// The gradients of a chain's parameters from one cotangent, in memory that is
/// kept from step to step.
class ChainGradients {
 public:
  explicit ChainGradients(std::shared_ptr<LayerChain> chain)
      : chain_(std::move(chain)) {}

  /// From the cotangent of the output, which may be written to.
  void compute(const torch::Tensor& cotangent);
  /// The same, and gives the cotangent of the input.
  torch::Tensor compute_through(const torch::Tensor& cotangent);
  void scale(double factor);

  /// Makes them the parameters'.
  void publish() const;
  /// Adds them to what the parameters have.
  void add() const;
  /// No parameter has one, be it frozen or not.
  void clear() const;

 private:
  void reserve(const torch::TensorOptions& options);

  std::shared_ptr<LayerChain> chain_;
  torch::Tensor all_; // [1, N]
  // The same memory.
  std::vector<torch::Tensor> of_layers_;
  std::vector<torch::Tensor> of_parameters_;
};

} // namespace polytask::detail
