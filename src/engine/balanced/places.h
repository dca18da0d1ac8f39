// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <vector>

#include "../program/head_step.h"

namespace polytask::detail {

/// The tasks that take part, by their place in the model.
inline std::vector<int64_t> places(const HeadSteps& tasks) {
  std::vector<int64_t> all;
  for (const HeadStep& step : tasks) {
    all.push_back(step.task);
  }
  return all;
}

/// The places as a tensor to index by.
inline torch::Tensor index_of(
    const std::vector<int64_t>& places, torch::Device device) {
  return torch::tensor(places, torch::kLong).to(device);
}

} // namespace polytask::detail
