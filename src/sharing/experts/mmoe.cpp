// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/experts/mmoe.h>

#include <c10/util/Exception.h>

#include <cmath>
#include <utility>

#include "sharing/experts/expert_level.h"

namespace polytask {

namespace {

const MMoEOptions& checked_mmoe(const MMoEOptions& options) {
  TORCH_CHECK_VALUE(
      std::isfinite(options.balance_weight()) && options.balance_weight() >= 0,
      "MMoE: expected a finite balance_weight that is not negative, but got ",
      options.balance_weight(),
      ".");
  return options;
}

} // namespace

MMoEOptions::MMoEOptions(int64_t in_features, NetworkFactory expert)
    : in_features_(in_features), expert_(std::move(expert)) {}

MMoEImpl::MMoEImpl(const MMoEOptions& options)
    : ExpertSharing(
          "MMoE",
          {ExpertLevelOptions(
               checked_mmoe(options).in_features(), options.expert())
               .shared_experts(options.experts())
               .task_experts(0)
               .gate_hidden(options.gate_hidden())
               .gate_bias(options.gate_bias())
               .gate_input(options.gate_input())},
          {{.name = "MMoE", .balances = options.balance_weight() != 0}},
          options.gates_are_shared(),
          options.balance_weight()) {}

MMoEImpl::MMoEImpl(
    const MMoEImpl& original, const std::optional<torch::Device>& device)
    : ExpertSharing(Copy(), original, device) {}

std::shared_ptr<torch::nn::Module> MMoEImpl::clone(
    const std::optional<torch::Device>& device) const {
  return std::shared_ptr<MMoEImpl>(new MMoEImpl(*this, device));
}

} // namespace polytask
