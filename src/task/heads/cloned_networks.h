// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <optional>
#include <vector>

#include <polytask/core/network.h>

namespace polytask::detail {

inline std::vector<Network> clone_all(
    const std::vector<Network>& networks,
    const std::optional<torch::Device>& device) {
  std::vector<Network> copies;
  copies.reserve(networks.size());
  for (const Network& network : networks) {
    copies.push_back(network.clone(device));
  }
  return copies;
}

} // namespace polytask::detail
