// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sgd_state.h"

#include <typeinfo>
#include <unordered_map>

#include <polytask/optim/fused_sgd.h>

namespace polytask::detail {

namespace {

bool is_sgd(const torch::optim::Optimizer& optimizer) {
  return typeid(optimizer) == typeid(torch::optim::SGD) ||
      typeid(optimizer) == typeid(optim::FusedSGD);
}

using Group = torch::optim::OptimizerParamGroup;
using Groups = std::unordered_map<const c10::TensorImpl*, const Group*>;

Groups groups_of(const torch::optim::Optimizer& optimizer) {
  Groups groups;
  for (const auto& group : optimizer.param_groups()) {
    for (const auto& parameter : group.params()) {
      groups.emplace(parameter.unsafeGetTensorImpl(), &group);
    }
  }
  return groups;
}

const Group* group_of(const Groups& groups, const torch::Tensor& parameter) {
  const auto found = groups.find(parameter.unsafeGetTensorImpl());
  return found == groups.end() || !parameter.requires_grad() ? nullptr
                                                             : found->second;
}

} // namespace

std::vector<const torch::optim::SGDOptions*> sgd_options_of(
    torch::optim::Optimizer& optimizer,
    const LinearHeads& heads,
    c10::ArrayRef<HeadStep> steps,
    std::string& reason) {
  if (!is_sgd(optimizer)) {
    reason = "the optimizer is not SGD";
    return {};
  }
  const Groups groups = groups_of(optimizer);
  std::vector<const torch::optim::SGDOptions*> options;
  for (const HeadStep& step : steps) {
    const LinearLayer& layer = heads.layer(step.task);
    const Group* group = group_of(groups, *layer.weight);
    if (!group) {
      reason = "a weight is not trained";
      return {};
    }
    if (layer.has_bias()) {
      if (group_of(groups, *layer.bias) != group) {
        reason = "a bias is not trained as its weight is";
        return {};
      }
      if (momentum_of(optimizer, *layer.weight).defined() !=
          momentum_of(optimizer, *layer.bias).defined()) {
        reason = "a bias has another history than its weight";
        return {};
      }
    }
    options.push_back(
        &static_cast<const torch::optim::SGDOptions&>(group->options()));
  }
  return options;
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
