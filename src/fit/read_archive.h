// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <string_view>

#include <polytask/core/archives.h>

namespace polytask::fit::detail {

/// Of its bytes; what was on a device that is not here comes to the host.
void read_archive(
    std::string_view bytes, torch::serialize::InputArchive& archive);

/// The CRC-32C of a file's first bytes; nothing where they cannot be read.
std::optional<uint32_t> file_checksum(std::ifstream& file, uint64_t length);

} // namespace polytask::fit::detail
