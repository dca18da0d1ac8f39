// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/experts/adatt.h>

#include "sharing/experts/expert_level.h"

namespace polytask {

namespace {

std::vector<ExpertLevelOptions> adatt_levels(const AdaTTOptions& options) {
  auto levels = options.levels();
  for (auto& level : levels) {
    level.shared_experts(level.shared_experts().value_or(0));
  }
  return levels;
}

std::vector<detail::ExpertForm> adatt_forms(const AdaTTOptions& options) {
  std::vector<detail::ExpertForm> forms;
  for (size_t i = 0; i < options.levels().size(); ++i) {
    const bool is_last = i + 1 == options.levels().size();
    forms.push_back(
        {.name = "AdaTT",
         .mixes_all = true,
         .has_shared_gate = !is_last,
         .adds_own = options.own_residual()});
  }
  return forms;
}

} // namespace

AdaTTImpl::AdaTTImpl(const AdaTTOptions& options)
    : ExpertSharing(
          "AdaTT",
          adatt_levels(options),
          adatt_forms(options),
          options.own_parts_are_shared()) {}

AdaTTImpl::AdaTTImpl(
    const AdaTTImpl& original, const std::optional<torch::Device>& device)
    : ExpertSharing(Copy(), original, device) {}

std::shared_ptr<torch::nn::Module> AdaTTImpl::clone(
    const std::optional<torch::Device>& device) const {
  return std::shared_ptr<AdaTTImpl>(new AdaTTImpl(*this, device));
}

} // namespace polytask
