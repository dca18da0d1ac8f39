// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "step_context.h"

namespace polytask::detail {

/// The features of each task that takes part, with their graph; computed
/// together for the tasks that have one input, be it that of all or not. Then
/// the context has the sharing's own loss, too.
std::vector<Inputs> features_of(
    const StepContext& context, const HeadSteps& steps, bool share_input);

/// The loss of each, without its task's weight.
std::vector<torch::Tensor> losses_of(
    const StepContext& context, const HeadSteps& steps, bool share_input);

/// After a forward of these tasks that kept the graph of no more than the
/// sharing's own loss: finds and differentiates that.
void differentiate_own_loss(const StepContext& context, const HeadSteps& steps);

} // namespace polytask::detail
