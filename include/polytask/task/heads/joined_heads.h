// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <concepts>
#include <memory>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/inputs.h>
#include <polytask/core/network.h>

namespace polytask {

/// Several networks on the same features, their outputs [B, K_i] side by side:
/// [B, Σ K_i], for a loss that reads them together, such as `ESCM2Loss`.
///
/// A network that stands in several heads is tied, and counts as shared.
class POLYTASK_API JoinedHeadsImpl : public torch::nn::Module {
 public:
  using OnlyReads = JoinedHeadsImpl;

  /// Throws where there is none.
  explicit JoinedHeadsImpl(std::vector<Network> heads);
  template <typename... Heads>
    requires(
        sizeof...(Heads) >= 2 && (std::convertible_to<Heads, Network> && ...))
  explicit JoinedHeadsImpl(Heads... heads)
      : JoinedHeadsImpl(std::vector<Network>{Network(std::move(heads))...}) {}

  torch::Tensor forward(const Inputs& features);
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;
  void pretty_print(std::ostream& stream) const override;

  const std::vector<Network>& heads() const {
    return heads_;
  }

 private:
  std::vector<Network> heads_;
};

TORCH_MODULE(JoinedHeads);

} // namespace polytask
