// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace polytask::fuzz {

/// The path of a file in memory that has these bytes until the next call.
std::string file_with(std::string_view bytes);

/// A zip archive of records that are stored as they are.
std::string zip_of(
    const std::vector<std::pair<std::string, std::string_view>>& records);

} // namespace polytask::fuzz
