// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include <polytask/core/archives.h>

#include "core/archive.h"

namespace polytask::detail {

/// Writes what an archive is of, and the version of its format.
void write_kind(
    torch::serialize::OutputArchive& archive,
    const std::string& kind,
    int64_t version);

/// Throws `c10::ValueError`, in the name of `who`, unless the archive is of
/// that kind and of no later version; gives what reads the rest.
ArchiveReader reader_of(
    torch::serialize::InputArchive& archive,
    const std::string& who,
    const std::string& kind,
    int64_t version);

} // namespace polytask::detail
