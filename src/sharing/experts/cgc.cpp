// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/experts/cgc.h>

#include "sharing/experts/expert_level.h"

namespace polytask {

CGCImpl::CGCImpl(const CGCOptions& options)
    : ExpertSharing(
          "CGC",
          {options.level()},
          {{.name = "CGC", .shared_first = options.shared_first()}},
          options.own_parts_are_shared()) {}

CGCImpl::CGCImpl(
    const CGCImpl& original, const std::optional<torch::Device>& device)
    : ExpertSharing(Copy(), original, device) {}

std::shared_ptr<torch::nn::Module> CGCImpl::clone(
    const std::optional<torch::Device>& device) const {
  return std::shared_ptr<CGCImpl>(new CGCImpl(*this, device));
}

} // namespace polytask
