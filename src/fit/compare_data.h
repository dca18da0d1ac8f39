// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/data/dataset.h>
#include <polytask/fit/compare.h>

#include <string>
#include <vector>

namespace polytask::fit::detail {

/// The same rows for these tasks alone.
data::Dataset with_tasks(
    const data::Dataset& dataset, const std::vector<std::string>& tasks);

/// Throws, by name, for a task that validation or test lacks, and for one that
/// has no label in the test rows.
void check_compared_data(const CompareOptions& options);

/// Throws if the folder's data.txt tells of other data under a name that these
/// have too; writes those that it has not.
void check_folder_data(
    const std::string& folder, const CompareOptions& options);

} // namespace polytask::fit::detail
