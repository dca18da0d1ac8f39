// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>

namespace polytask::detail {

/// How many letters to insert, drop or change to make one word the other
/// (V. Levenshtein, 1966).
size_t edit_distance(const std::string& from, const std::string& to);

} // namespace polytask::detail
