// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

#include <cstddef>
#include <vector>

namespace polytask::detail {

/// Which modules, parameters and buffers a model is made of, which of these are
/// trained, and what an optimizer holds. Values, memory, dtypes and modes may
/// change.
///
/// Keeps no object alive: what is compared with it must be held elsewhere, or
/// another could stand in its place.
class Identity {
 public:
  Identity() = default;
  Identity(
      const torch::nn::Module& model, const torch::optim::Optimizer& optimizer);

  /// Whether these are still made of the same things. Allocates nothing.
  bool is_of(
      const torch::nn::Module& model,
      const torch::optim::Optimizer& optimizer) const;

 private:
  template <typename See>
  static bool look_at(
      const torch::nn::Module& model,
      const torch::optim::Optimizer& optimizer,
      const See& see);

  std::vector<const void*> seen_;
};

} // namespace polytask::detail
