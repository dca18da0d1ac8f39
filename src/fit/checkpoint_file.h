// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <polytask/core/api.h>
#include <polytask/core/archives.h>

namespace polytask::fit::detail {

/// Writes an archive, followed by its length and checksum, to a file beside,
/// syncs it and renames it: whoever is killed meanwhile leaves the old file, or
/// none, or the new one. Throws, with the path, if it cannot; then there is no
/// new file.
POLYTASK_API void write_checkpoint(
    const std::string& path, torch::serialize::OutputArchive& archive);

/// What is wrong with a file as such: it cannot be read, it is cut, or a byte
/// of it is not what was written; empty where nothing is. Reads all of it.
POLYTASK_API std::string checkpoint_fault(const std::string& path);

/// Of a file without a fault.
POLYTASK_API void read_checkpoint(
    const std::string& path, torch::serialize::InputArchive& archive);

} // namespace polytask::fit::detail
