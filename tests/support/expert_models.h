// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/batch.h>
#include <polytask/model/multi_task_model.h>
#include <torch/types.h>

#include <string>
#include <vector>

namespace polytask::testing {

/// Ways to share experts, by name: six inputs, three tasks "a", "b c" and
/// "class", with heads of one layer and of two.
std::vector<std::string> expert_model_kinds();
/// The same, and other ways to mix features.
std::vector<std::string> mixture_kinds();
/// Of those, the kinds that the engine differentiates by hand, and whether it
/// does so but for their gates.
std::vector<std::string> known_mixture_kinds();
bool has_graph_gates(const std::string& kind);
MultiTaskModel expert_model(const std::string& kind);

/// How the rows of a batch come to the tasks.
enum class RowsOf { kAll, kEach, kMissing, kSome };
std::vector<RowsOf> all_rows_of();
const char* to_string(RowsOf rows);
/// Rows for such a model: the same for all tasks, other ones for each, with
/// labels missing here and there, or of two tasks alone.
Batch expert_batch(RowsOf rows, torch::Dtype dtype, int64_t seed);

} // namespace polytask::testing
