// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/crc32c.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <nmmintrin.h>
#define POLYTASK_HAS_CRC_INSTRUCTION
#endif

#include <array>
#include <cstring>

namespace polytask::detail {

namespace {

using CrcTables = std::array<std::array<uint32_t, 256>, 8>;

// tables[k][b]: what byte b, with k bytes after it, adds to the checksum.
constexpr CrcTables make_crc_tables() {
  CrcTables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) {
      rest = (rest >> 1) ^ ((rest & 1) != 0 ? 0x82f63b78u : 0);
    }
    tables[0][byte] = rest;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t rest = tables[k - 1][byte];
      tables[k][byte] = (rest >> 8) ^ tables[0][rest & 255];
    }
  }
  return tables;
}

constexpr CrcTables kCrcTables = make_crc_tables();

uint32_t crc_by_tables(uint32_t crc, const uint8_t* data, size_t size) {
  for (; size >= 8; data += 8, size -= 8) {
    uint32_t next = 0;
    for (size_t k = 0; k < 4; ++k) {
      next ^= kCrcTables[7 - k][((crc >> (8 * k)) ^ data[k]) & 255] ^
          kCrcTables[3 - k][data[4 + k]];
    }
    crc = next;
  }
  for (; size > 0; ++data, --size) {
    crc = (crc >> 8) ^ kCrcTables[0][(crc ^ *data) & 255];
  }
  return crc;
}

#if defined(POLYTASK_HAS_CRC_INSTRUCTION)
[[gnu::target("sse4.2")]] uint32_t crc_by_instruction(
    uint32_t crc, const uint8_t* data, size_t size) {
  uint64_t wide = crc;
  for (; size >= 8; data += 8, size -= 8) {
    uint64_t bytes = 0;
    std::memcpy(&bytes, data, 8);
    wide = _mm_crc32_u64(wide, bytes);
  }
  crc = static_cast<uint32_t>(wide);
  for (; size > 0; ++data, --size) {
    crc = _mm_crc32_u8(crc, *data);
  }
  return crc;
}
#endif

} // namespace

uint32_t crc32c_by_tables(uint32_t before, const void* data, size_t size) {
  return ~crc_by_tables(~before, static_cast<const uint8_t*>(data), size);
}

uint32_t crc32c(uint32_t before, const void* data, size_t size) {
#if defined(POLYTASK_HAS_CRC_INSTRUCTION)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) {
    return ~crc_by_instruction(
        ~before, static_cast<const uint8_t*>(data), size);
  }
#endif
  return crc32c_by_tables(before, data, size);
}

} // namespace polytask::detail
