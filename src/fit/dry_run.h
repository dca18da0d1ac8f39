// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/fit/fit_options.h>
#include <polytask/fit/training_data.h>
#include <polytask/model/multi_task_model.h>

#include "fit/fit_ranks.h"

namespace polytask::fit::detail {

/// Sends some rows of the training and validation data through the model, its
/// losses and metrics, and changes nothing. Throws, by task, layer, expected
/// and found shapes, on what does not fit; on a task that is to be trained and
/// has no label on any rank; and on names of values that no validation gives.
void dry_run(
    MultiTaskModel model,
    const Batches& training,
    const FitOptions& options,
    const FitRanks& ranks);

} // namespace polytask::fit::detail
