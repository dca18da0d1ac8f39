// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/modules/container/sequential.h>
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace polytask::testing {

/// A layer that the engine knows, or several, and the input it gets without
/// the batch.
struct LayerKind {
  enum class Stands { kBetweenLinears, kAlone, kOnIndices };

  std::string name;
  std::vector<int64_t> shape;
  torch::nn::Sequential layers;
  Stands stands = Stands::kBetweenLinears;
  bool is_in_evaluation = false;
  bool takes_one_row = true; // which has no variance

  template <typename... Layers>
  static LayerKind of(
      std::string name, std::vector<int64_t> shape, Layers... layers) {
    return {
        std::move(name), std::move(shape), torch::nn::Sequential(layers...)};
  }

  torch::Tensor input(int64_t rows, torch::ScalarType type) const;
  /// A trunk of 8 features with a copy of the layers.
  torch::nn::Sequential trunk() const;
};

/// All kinds, by the options that matter to a backward.
std::vector<LayerKind> layer_kinds();

} // namespace polytask::testing
