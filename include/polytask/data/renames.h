// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace polytask::data {

/// Columns' names in a file, each with the one that it has in the table.
using Renames = std::vector<std::pair<std::string, std::string>>;

} // namespace polytask::data
