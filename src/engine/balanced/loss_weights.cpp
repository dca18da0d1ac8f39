// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "loss_weights.h"

#include <torch/csrc/autograd/autograd.h>

#include <polytask/balancing/loss_balancing.h>

namespace polytask::detail {

LossWeights weigh_losses(
    balancing::Balancing& method,
    const torch::Tensor& losses,
    const balancing::Extras& extras) {
  torch::AutoGradMode grad_mode(true);
  auto& scalarizing = static_cast<balancing::LossBalancing&>(method);
  const torch::Tensor leaf = losses.detach().requires_grad_();
  const torch::Tensor value = scalarizing.scalarize(leaf, extras);
  LossWeights found;
  found.weights = math::Vector(static_cast<size_t>(losses.size(0)), 0.0);
  if (!value.requires_grad()) {
    return found; // a constant
  }
  const auto learned = method.parameters();
  std::vector<torch::Tensor> inputs{leaf};
  inputs.insert(inputs.end(), learned.begin(), learned.end());
  const auto gradients = torch::autograd::grad(
      {value}, inputs, {}, std::nullopt, false, /*allow_unused=*/true);
  for (size_t i = 0; i < learned.size(); ++i) {
    found.learned.emplace_back(learned[i], gradients[i + 1]);
  }
  if (gradients[0].defined()) {
    found.weights = TaskWeights(gradients[0]);
  }
  return found;
}

bool weighs_heads(HeadGradients wanted, const balancing::Balancing& method) {
  return wanted == HeadGradients::kWeighted ||
      (wanted == HeadGradients::kAsMethod &&
       method.reads() == balancing::Reads::kLosses);
}

} // namespace polytask::detail
