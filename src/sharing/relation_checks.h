// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <string>
#include <vector>

namespace polytask::detail {

using Relations = std::map<std::string, std::vector<std::string>>;

/// Throws on a task that is related to itself, twice to another, or in a cycle.
void check_relations(const Relations& relations);

} // namespace polytask::detail
