// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "chain_gradients.h"

#include "../gradient_sum.h"
#include "../program/linear_layer.h"

namespace polytask::detail {

void ChainGradients::reserve(const torch::TensorOptions& options) {
  if (all_.defined() && all_.dtype() == options.dtype()) {
    return;
  }
  all_ = torch::empty({1, chain_->elements()}, options.requires_grad(false));
  of_layers_ = chain_->parts(all_);
  of_parameters_.clear();
  int64_t offset = 0;
  for (const auto& parameter : chain_->parameters()) {
    of_parameters_.push_back(alias(all_, offset, parameter.sizes()));
    offset += parameter.numel();
  }
}

void ChainGradients::compute(const torch::Tensor& cotangent) {
  reserve(cotangent.options());
  chain_->write_rows(chain_->descend(cotangent, 1), 1, of_layers_);
}

torch::Tensor ChainGradients::compute_through(const torch::Tensor& cotangent) {
  reserve(cotangent.options());
  return chain_->send_through(cotangent, 1, of_layers_);
}

void ChainGradients::scale(double factor) {
  if (all_.defined()) {
    all_.mul_(factor);
  }
}

void ChainGradients::publish() const {
  for (size_t i = 0; i < of_parameters_.size(); ++i) {
    set_gradient(chain_->parameters()[i], of_parameters_[i]);
  }
}

void ChainGradients::add() const {
  for (size_t i = 0; i < of_parameters_.size(); ++i) {
    const torch::Tensor& parameter = chain_->parameters()[i];
    if (parameter.grad().defined()) {
      parameter.mutable_grad() =
          gradient_sum(parameter.grad(), of_parameters_[i]);
    } else {
      set_gradient(parameter, of_parameters_[i]);
    }
  }
}

void ChainGradients::clear() const {
  for (const auto& parameter : chain_->registered()) {
    set_gradient(parameter, {});
  }
}

} // namespace polytask::detail
