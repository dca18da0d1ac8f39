// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <utility>

#include "../layers/chain_gradients.h"
#include "trunk.h"

namespace polytask::detail {

/// Known layers, in buffers that are kept: no graph.
class ChainTrunk : public Trunk {
 public:
  explicit ChainTrunk(KnownTrunk known)
      : known_(std::move(known)), gradients_(known_.chain) {}

  Route route() const override {
    return Route::kTrunkProgram;
  }
  Obstacle obstacle(
      const at::Tensor& input, const at::Tensor& like) const override {
    return known_.obstacle(input, like);
  }
  at::Tensor forward(const HeadStep& step) override;
  at::Tensor cotangent() override;
  void clear_gradients() override {
    gradients_.clear();
  }
  void backward() override;
  at::Tensor with_graph() override;
  void finish_graph() override;

 private:
  KnownTrunk known_;
  ChainGradients gradients_;
  at::Tensor features_;
  at::Tensor cotangent_;
  at::Tensor leaf_; // the features, where autograd takes the heads
};

} // namespace polytask::detail
