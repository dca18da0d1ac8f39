// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/fit/fit_options.h>
#include <polytask/model/multi_task_model.h>

namespace polytask::fit::detail {

/// The split under which a training records what its own batches gave.
inline constexpr auto kTrainSplit = "train";

/// Throws on options that contradict each other or the model.
void check_fit_options(const FitOptions& options, const MultiTaskModel& model);

} // namespace polytask::fit::detail
