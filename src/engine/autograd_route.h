// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <polytask/core/step_report.h>
#include "engine/weighted_losses.h"

#include "step_context.h"

namespace polytask::detail {

/// The route that takes any model and any loss: one graph, one backward.
/// `share_input`: several tasks on one input. `features`: what a trunk gave
/// already; else undefined.
StepReport autograd_step(
    StepContext& context,
    const HeadSteps& steps,
    bool share_input,
    const TaskSource& source,
    const torch::Tensor& features);

/// The same without a report, which is the part that a device's graph can
/// record.
WeightedLosses autograd_update(
    StepContext& context,
    const HeadSteps& steps,
    bool share_input,
    const TaskSource& source,
    const torch::Tensor& features);

} // namespace polytask::detail
