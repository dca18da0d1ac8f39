// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/experts/ple.h>

#include "sharing/experts/expert_level.h"

namespace polytask {

namespace {

std::vector<detail::ExpertForm> ple_forms(const PLEOptions& options) {
  std::vector<detail::ExpertForm> forms;
  for (size_t i = 0; i < options.levels().size(); ++i) {
    const bool is_last = i + 1 == options.levels().size();
    forms.push_back(
        {.name = "PLE",
         .shared_first = options.shared_first(),
         .has_shared_gate = options.shared_path() && !is_last,
         .shared_read_tasks = !options.shared_path()});
  }
  return forms;
}

} // namespace

PLEImpl::PLEImpl(const PLEOptions& options)
    : ExpertSharing(
          "PLE",
          options.levels(),
          ple_forms(options),
          options.own_parts_are_shared()) {}

PLEImpl::PLEImpl(
    const PLEImpl& original, const std::optional<torch::Device>& device)
    : ExpertSharing(Copy(), original, device) {}

std::shared_ptr<torch::nn::Module> PLEImpl::clone(
    const std::optional<torch::Device>& device) const {
  return std::shared_ptr<PLEImpl>(new PLEImpl(*this, device));
}

} // namespace polytask
