// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/network.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/task/losses/bce_with_logits.h>

namespace polytask {

/// One step of a funnel, such as a click, or a conversion after a click.
struct POLYTASK_API FunnelStepOptions {
  /// `task`: whether the step was reached, over all rows. `tower`: from the
  /// features to the logit [B, 1] of reaching it from the step before.
  FunnelStepOptions(std::string task, Network tower)
      : task_(std::move(task)), tower_(std::move(tower)) {}

  TORCH_ARG(std::string, task);
  TORCH_ARG(Network, tower);
  /// A task for the rate of this step given the one before, of weight 0: it
  /// learns from the losses of the funnel alone. None where it is empty; of the
  /// first step it is the step itself.
  TORCH_ARG(std::string, rate_task);
  /// Of the step's loss over all rows.
  TORCH_ARG(Loss, loss) = Loss(BCEWithLogitsLoss());
  TORCH_ARG(double, weight) = 1;
};

/// Adds the tasks of an entire-space model (ESMM), in the order of the steps:
/// each step's task over all rows, whose head is a `ProbabilityChain` of its
/// tower and those before, then its rate's. Targets [B, 1]: 1 where the row got
/// that far, so rows that were not clicked have the conversion 0. A step with
/// the weight 0 is computed but not learned. Towers that stand in several heads
/// are tied, and count as shared.
///
/// Throws, and adds nothing, where there are fewer than two steps, a name is
/// empty, has a dot, or is taken, or where two steps have one tower.
///
/// Source: X. Ma et al., "Entire Space Multi-Task Model: An Effective Approach
/// for Estimating Post-Click Conversion Rate", SIGIR 2018, equation 3 (as means
/// over the batch).
///
/// ```cpp
/// polytask::MultiTaskModel model{trunk};
/// polytask::add_esmm_tasks(
///     model,
///     {{"click", click_tower},
///      polytask::FunnelStepOptions("conversion", rate_tower)
///          .rate_task("conversion_after_click")});
/// ```
POLYTASK_API void add_esmm_tasks(
    MultiTaskModel model, const std::vector<FunnelStepOptions>& steps);

} // namespace polytask
