// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <vector>

#include "step_context.h"

namespace polytask::detail {

/// The features of each task that takes part, with their graph; computed
/// together where the tasks share their input.
std::vector<torch::Tensor> features_of(
    const StepContext& context, const HeadSteps& steps, bool share_input);

} // namespace polytask::detail
