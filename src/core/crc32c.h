// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

#include <polytask/core/api.h>

namespace polytask::detail {

/// The CRC-32C (Castagnoli; RFC 3720, B.4) of what `before` is the checksum of,
/// followed by these bytes; the checksum of nothing is 0.
POLYTASK_API uint32_t crc32c(uint32_t before, const void* data, size_t size);

/// The same on a machine without an instruction for it.
POLYTASK_API uint32_t
crc32c_by_tables(uint32_t before, const void* data, size_t size);

} // namespace polytask::detail
