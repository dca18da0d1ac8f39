// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "step_context.h"

namespace polytask::detail {

/// What makes two steps the same piece of work: who takes part, and what shapes
/// and dtypes the data have.
std::vector<int64_t> graph_shape(const HeadSteps& steps, bool share_input);

/// What a graph keeps from its recording and cannot be told anew: numbers, and
/// places in memory.
class GraphState {
 public:
  GraphState() = default;
  GraphState(const StepContext& context, const HeadSteps& steps);

  /// What is not as it was, for people; empty if all is.
  std::string difference(const GraphState& now) const;

 private:
  std::vector<double> rates_;
  std::vector<double> options_;
  std::vector<double> weights_;
  std::vector<int64_t> missing_;
  std::vector<bool> modes_;
  std::vector<bool> trained_;
  std::vector<const void*> memory_;
  /// Keeps the optimizer's memory, so that no other comes to its place.
  std::vector<at::Tensor> held_;
};

/// Why a graph cannot record the steps of this optimizer; empty if it can.
std::string graph_obstacle(const torch::optim::Optimizer& optimizer);

/// The same for this model, these losses and data.
std::string graph_obstacle(const StepContext& context, const HeadSteps& steps);

/// Whether one kernel that counts on the device takes every parameter that has
/// a gradient.
bool is_all_fused(const torch::optim::Optimizer& optimizer);

} // namespace polytask::detail
