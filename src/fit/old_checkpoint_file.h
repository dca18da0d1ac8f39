// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <fstream>
#include <string>

#include <polytask/core/archives.h>

namespace polytask::fit::detail {

/// Of files as they were before checkpoints were of safetensors: one archive of
/// all, followed by a mark, its length and its checksum.
inline constexpr auto kOldCheckpointEnd = ".pt";

/// As checkpoint_fault.
std::string old_checkpoint_fault(std::ifstream& file, uint64_t size);

/// Of a file without a fault.
void read_old_checkpoint(
    const std::string& path, torch::serialize::InputArchive& archive);

} // namespace polytask::fit::detail
