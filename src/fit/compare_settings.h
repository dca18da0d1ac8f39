// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/fit/compare.h>

#include <string>
#include <utility>
#include <vector>

namespace polytask::fit::detail {

/// What a run hangs on: names without a blank, and values of one line.
using CompareSettings = std::vector<std::pair<std::string, std::string>>;

/// Of all runs alike.
CompareSettings budget_settings(const CompareOptions& options);
/// Of a model: what it prints, and its tensors' names, shapes and dtypes.
std::string model_setting(const MultiTaskModel& model);
/// Of a balancing: its name and options.
std::string method_setting(const balancing::Balancing& method);

/// A line for each.
std::string settings_text(const CompareSettings& settings);

} // namespace polytask::fit::detail
