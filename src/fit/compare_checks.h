// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/fit/compare.h>

#include <string>
#include <vector>

namespace polytask::fit::detail {

constexpr auto kAlone = "alone";
constexpr auto kEqual = "equal";

/// Throws for options that no comparison can have.
void check_compare_options(const CompareOptions& options);

/// Throws unless the model has these tasks and no others, in any order.
void check_made_model(
    const MultiTaskModel& model, const std::vector<std::string>& tasks);

/// By which value each task is judged. Throws where a task of the model lacks
/// it, or lacks what the validation goes by.
std::vector<Comparison::Task> compared_tasks(
    const MultiTaskModel& model, const CompareOptions& options);

} // namespace polytask::fit::detail
