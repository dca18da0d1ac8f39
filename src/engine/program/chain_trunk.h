// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <vector>

#include "../layers/layer_chain.h"
#include "trunk.h"

namespace polytask::detail {

/// Known layers, in buffers that are kept: no graph.
class ChainTrunk : public Trunk {
 public:
  ChainTrunk(const MultiTaskModel& model, std::shared_ptr<LayerChain> chain)
      : parameters_(model->sharing().parameters()), chain_(std::move(chain)) {}

  Route route() const override {
    return Route::kTrunkProgram;
  }
  Obstacle obstacle(
      const at::Tensor& input, const at::Tensor& like) const override {
    return chain_->obstacle(input, like);
  }
  at::Tensor forward(const HeadStep& step) override;
  at::Tensor cotangent() override;
  void clear_gradients() override;
  void backward() override;
  at::Tensor with_graph() override;
  void finish_graph() override;

 private:
  void differentiate(const at::Tensor& cotangent);

  std::vector<at::Tensor> parameters_; // frozen ones too
  std::shared_ptr<LayerChain> chain_;
  at::Tensor features_;
  at::Tensor cotangent_;
  at::Tensor leaf_;          // the features, where autograd takes the heads
  at::Tensor all_gradients_; // [1, N]
  std::vector<at::Tensor> of_layers_;     // its parts
  std::vector<at::Tensor> of_parameters_; // the same memory
};

} // namespace polytask::detail
