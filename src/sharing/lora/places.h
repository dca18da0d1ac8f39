// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/modules/container/any.h>
#include <torch/nn/modules/container/sequential.h>

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "sharing/lora/base_layer.h"

namespace polytask::detail {

/// The layers of a trunk in the order in which they run, and which of them are
/// adapted.
struct LoRAPlaces {
  struct Adapted {
    std::string place;
    BaseLayer layer;
  };
  struct Step {
    torch::nn::AnyModule module;
    std::vector<Adapted> adapted; // in it, in their order
    /// The module itself is what is adapted, and its output can be changed;
    /// else weights have to be.
    bool changes_output = false;
  };

  /// Throws where no layer is adapted, or one stands there twice.
  LoRAPlaces(
      const torch::nn::Sequential& trunk,
      const std::function<bool(const std::string&)>& adapts);

  std::vector<Adapted> all() const;

  std::vector<Step> steps;
  size_t first = 0; // the first with something that is adapted
  std::mutex mutex; // of weights while they are changed
};

} // namespace polytask::detail
