// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sgd_state.h"

#include <algorithm>
#include <typeinfo>

#include <polytask/optim/fused_sgd.h>

namespace polytask::detail {

namespace {

bool is_sgd(const torch::optim::Optimizer& optimizer) {
  return typeid(optimizer) == typeid(torch::optim::SGD) ||
      typeid(optimizer) == typeid(optim::FusedSGD);
}

const torch::optim::OptimizerParamGroup* group_of(
    const torch::optim::Optimizer& optimizer, const torch::Tensor& parameter) {
  for (const auto& group : optimizer.param_groups()) {
    for (const auto& own : group.params()) {
      if (own.is_same(parameter)) {
        return &group;
      }
    }
  }
  return nullptr;
}

} // namespace

const torch::optim::SGDOptions* sgd_options_of(
    torch::optim::Optimizer& optimizer,
    const LinearLayer& layer,
    std::string& reason) {
  if (!is_sgd(optimizer)) {
    reason = "the optimizer is not SGD";
    return nullptr;
  }
  const auto* group = group_of(optimizer, *layer.weight);
  if (!group || !layer.weight->requires_grad()) {
    reason = "a weight is not trained";
    return nullptr;
  }
  if (layer.has_bias()) {
    if (group_of(optimizer, *layer.bias) != group ||
        !layer.bias->requires_grad()) {
      reason = "a bias is not trained as its weight is";
      return nullptr;
    }
    if (momentum_of(optimizer, *layer.weight).defined() !=
        momentum_of(optimizer, *layer.bias).defined()) {
      reason = "a bias has another history than its weight";
      return nullptr;
    }
  }
  return &static_cast<const torch::optim::SGDOptions&>(group->options());
}

torch::Tensor momentum_of(
    torch::optim::Optimizer& optimizer, const torch::Tensor& parameter) {
  const auto& states = optimizer.state();
  const auto found = states.find(parameter.unsafeGetTensorImpl());
  return found == states.end()
      ? torch::Tensor()
      : static_cast<const torch::optim::SGDParamState&>(*found->second)
            .momentum_buffer();
}

void set_momentum(
    torch::optim::Optimizer& optimizer,
    const torch::Tensor& parameter,
    const torch::Tensor& buffer) {
  auto& state = optimizer.state()[parameter.unsafeGetTensorImpl()];
  if (!state) {
    state = std::make_unique<torch::optim::SGDParamState>();
  }
  static_cast<torch::optim::SGDParamState&>(*state).momentum_buffer(buffer);
}

} // namespace polytask::detail
