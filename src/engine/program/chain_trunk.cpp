// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "chain_trunk.h"

#include <utility>

#include "../gradient_sum.h"
#include "../layers/products.h"
#include "linear_layer.h"

namespace polytask::detail {

at::Tensor ChainTrunk::forward(const HeadStep& step) {
  features_ = chain_->forward(*step.input);
  return features_;
}

at::Tensor ChainTrunk::cotangent() {
  if (!chain_->learns()) {
    return {};
  }
  reserve(cotangent_, features_.sizes(), features_.options());
  return cotangent_;
}

void ChainTrunk::clear_gradients() {
  for (const auto& parameter : parameters_) {
    set_gradient(parameter, {});
  }
}

void ChainTrunk::differentiate(const at::Tensor& cotangent) {
  const auto options = cotangent.options();
  if (!all_gradients_.defined() ||
      all_gradients_.scalar_type() != cotangent.scalar_type()) {
    all_gradients_ = torch::empty({1, chain_->elements()}, options);
    of_layers_ = chain_->parts(all_gradients_);
    of_parameters_.clear();
    int64_t offset = 0;
    for (const auto& parameter : chain_->parameters()) {
      of_parameters_.push_back(
          alias(all_gradients_, offset, parameter.sizes()));
      offset += parameter.numel();
    }
  }
  chain_->write_rows(chain_->descend(cotangent, 1), 1, of_layers_);
}

void ChainTrunk::backward() {
  if (!chain_->learns()) {
    return;
  }
  differentiate(cotangent_);
  for (size_t i = 0; i < of_parameters_.size(); ++i) {
    set_gradient(chain_->parameters()[i], of_parameters_[i]);
  }
}

at::Tensor ChainTrunk::with_graph() {
  leaf_ = features_.detach();
  return leaf_.requires_grad_(chain_->learns());
}

// A loss may have reached a parameter of the trunk by itself.
void ChainTrunk::finish_graph() {
  const at::Tensor leaf = std::exchange(leaf_, {});
  if (!leaf.grad().defined()) {
    return;
  }
  differentiate(leaf.grad());
  for (size_t i = 0; i < of_parameters_.size(); ++i) {
    const at::Tensor& parameter = chain_->parameters()[i];
    if (parameter.grad().defined()) {
      parameter.mutable_grad() =
          gradient_sum(parameter.grad(), of_parameters_[i]);
    } else {
      set_gradient(parameter, of_parameters_[i]);
    }
  }
}

} // namespace polytask::detail
