// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trunk.h"

namespace polytask::detail {

AutogradTrunk::AutogradTrunk(const MultiTaskModel& model)
    : model_(model), parameters_(model->sharing().parameters()) {}

at::Tensor AutogradTrunk::forward(const HeadStep& step) {
  torch::AutoGradMode grad_mode(true);
  features_ = model_->features_of(*step.inputs, 0).tensor();
  return features_.detach().contiguous();
}

at::Tensor AutogradTrunk::cotangent() {
  if (!features_.requires_grad()) {
    return {};
  }
  // Anew each time: a hook in the graph may keep it.
  cotangent_ =
      torch::empty(features_.sizes(), features_.options().requires_grad(false));
  return cotangent_;
}

void AutogradTrunk::clear_gradients() {
  for (torch::Tensor& parameter : parameters_) {
    parameter.mutable_grad().reset();
  }
}

void AutogradTrunk::backward() {
  if (features_.requires_grad()) {
    features_.backward(cotangent_);
  }
  features_.reset();
  cotangent_.reset();
}

} // namespace polytask::detail
