// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <vector>

#include "engine/weighted_losses.h"

#include "step_context.h"

namespace polytask::detail {

struct AutogradStep {
  WeightedLosses losses;
  /// Whether there was anything to learn.
  bool learns;
};

/// The gradients of any model and any loss: one graph, one backward.
/// `share_input`: several tasks on one input. `features`: of each step, where
/// they were computed already.
AutogradStep autograd_backward(
    StepContext& context,
    const HeadSteps& steps,
    bool share_input,
    const TaskSource& source,
    std::vector<Inputs> features);

} // namespace polytask::detail
