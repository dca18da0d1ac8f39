// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/network.h>

namespace polytask {

/// How many experts single tasks have, by their names.
using ExpertCounts = std::map<std::string, int64_t>;

/// One level of experts and of the gates that mix them.
///
/// ```cpp
/// const auto expert = [] {
///   return torch::nn::Sequential(torch::nn::Linear(64, 128),
///   torch::nn::ReLU());
/// };
/// auto level = polytask::ExpertLevelOptions(64, expert).shared_experts(4);
/// ```
struct POLYTASK_API ExpertLevelOptions {
  /// `in_features`: the elements of a row of what this level is given, which
  /// gates read flattened. `expert`: of any layers and any shape of output, the
  /// same of all experts of a level.
  ExpertLevelOptions(int64_t in_features, NetworkFactory expert);

  TORCH_ARG(int64_t, in_features);
  TORCH_ARG(NetworkFactory, expert);
  /// Experts of all tasks. If it is not said: 1, but 0 in AdaTT.
  TORCH_ARG(std::optional<int64_t>, shared_experts);
  /// Experts of each task for itself.
  TORCH_ARG(int64_t, task_experts) = 1;
  /// Tasks that have another number of them, by name.
  TORCH_ARG(ExpertCounts, task_experts_of);
  /// Widths of the layers with ReLU before a gate's last one.
  TORCH_ARG(std::vector<int64_t>, gate_hidden);
  /// Whether a gate's last layer has a bias.
  TORCH_ARG(bool, gate_bias) = true;
  /// The tensor that gates read where the input is several, in the first level.
  TORCH_ARG(std::string, gate_input);
};

} // namespace polytask
