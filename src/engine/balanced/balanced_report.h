// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <optional>

#include <polytask/core/step_report.h>
#include <polytask/math/matrix.h>

#include "../program/head_step.h"
#include "task_weights.h"

namespace polytask::detail {

/// What is told about a step with a balancing, of all tasks of the model.
/// `losses` [n] are those that took part, without their weights; there may be
/// no `weights` and no `gramian`.
StepReport balanced_report(
    int64_t all,
    const HeadSteps& tasks,
    const torch::Tensor& losses,
    const TaskWeights& weights,
    const std::optional<math::Matrix>& gramian);

} // namespace polytask::detail
