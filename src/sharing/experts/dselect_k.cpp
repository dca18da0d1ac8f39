// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/experts/dselect_k.h>

#include <c10/util/Exception.h>

#include <cmath>
#include <utility>

#include "sharing/experts/dselect_gate.h"
#include "sharing/experts/expert_level.h"

namespace polytask {

namespace {

const DSelectKOptions& checked_dselect(const DSelectKOptions& options) {
  TORCH_CHECK_VALUE(
      options.experts() >= 2,
      "DSelectK: expected at least 2 experts to select from, but got ",
      options.experts(),
      ".");
  TORCH_CHECK_VALUE(
      options.nonzeros() >= 1,
      "DSelectK: expected nonzeros of at least 1, but got ",
      options.nonzeros(),
      ".");
  TORCH_CHECK_VALUE(
      std::isfinite(options.gamma()) && options.gamma() > 0,
      "DSelectK: expected a finite gamma above 0, but got ",
      options.gamma(),
      ".");
  for (const auto& [name, weight] :
       {std::pair{"entropy_weight", options.entropy_weight()},
        std::pair{"reachability_weight", options.reachability_weight()}}) {
    TORCH_CHECK_VALUE(
        std::isfinite(weight) && weight >= 0,
        "DSelectK: expected a finite ",
        name,
        " that is not negative, but got ",
        weight,
        ".");
  }
  return options;
}

} // namespace

DSelectKOptions::DSelectKOptions(int64_t in_features, NetworkFactory expert)
    : in_features_(in_features), expert_(std::move(expert)) {}

DSelectKImpl::DSelectKImpl(const DSelectKOptions& options)
    : ExpertSharing(
          "DSelectK",
          {ExpertLevelOptions(
               checked_dselect(options).in_features(), options.expert())
               .shared_experts(options.experts())
               .task_experts(0)
               .gate_input(options.gate_input())},
          {{.name = "DSelectK",
            .gate =
                [options](int64_t /*experts*/) {
                  return std::make_shared<detail::DSelectGate>(options);
                }}},
          options.gates_are_shared()) {}

DSelectKImpl::DSelectKImpl(
    const DSelectKImpl& original, const std::optional<torch::Device>& device)
    : ExpertSharing(Copy(), original, device) {}

std::shared_ptr<torch::nn::Module> DSelectKImpl::clone(
    const std::optional<torch::Device>& device) const {
  return std::shared_ptr<DSelectKImpl>(new DSelectKImpl(*this, device));
}

} // namespace polytask
