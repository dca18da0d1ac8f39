// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../layers/layer_chain.h"
#include "parameter_places.h"
#include "reached.h"

namespace polytask::detail {

/// A part of a sharing, such as an expert: known layers whose parameters stand
/// together in a row of gradients.
class PlacedChain {
 public:
  /// Nothing, with the reason, where some layer is not known. `part`: who that
  /// names.
  static std::optional<PlacedChain> make(
      const char* part,
      const std::shared_ptr<torch::nn::Module>& module,
      const ParameterPlaces& places,
      std::string& reason);

  LayerChain& layers() const {
    return *layers_;
  }

  /// Writes the rows of the losses that reach its output, and gives their
  /// cotangents of its input, contiguous, if `sends`. May write to those that
  /// it is given. `is_masked`: what a ReLU at its end stops was left out of
  /// them.
  torch::Tensor write(
      const Reached& reached,
      const torch::Tensor& rows,
      bool sends,
      bool is_masked = false);

 private:
  PlacedChain(std::unique_ptr<LayerChain> layers, int64_t place)
      : layers_(std::move(layers)), place_(place) {}

  std::unique_ptr<LayerChain> layers_;
  int64_t place_;
  // What its layers write of those rows.
  std::vector<torch::Tensor> parts_;
  torch::Tensor rows_;
  int64_t first_ = 0;
  int64_t count_ = 0;
};

} // namespace polytask::detail
