// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <polytask/core/api.h>

namespace polytask::detail {

/// Writes the text to a file beside, whose name no other writer has, and
/// renames it: whoever is killed meanwhile leaves the old file or the new one,
/// and of two who write at once each file is whole and the last one stays.
/// Throws, with `who` and the path, if it cannot; then there is the old file
/// alone.
POLYTASK_API void write_file(
    const std::string& who, const std::string& path, const std::string& text);

} // namespace polytask::detail
