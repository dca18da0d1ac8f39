// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/crc32c.h"
#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

namespace polytask {
namespace {

using detail::crc32c;
using detail::crc32c_by_tables;

uint32_t checksum_of(const std::string& text) {
  return crc32c(0, text.data(), text.size());
}

// RFC 3720, B.4, and the check value of the CRC catalogue.
TEST(Crc32c, GivesThePublishedNumbers) {
  EXPECT_EQ(checksum_of(""), 0u);
  EXPECT_EQ(checksum_of("123456789"), 0xe3069283u);
  EXPECT_EQ(checksum_of(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(checksum_of(std::string(32, '\xff')), 0x62a8ab43u);
  std::string rising(32, '\0');
  std::iota(rising.begin(), rising.end(), '\0');
  EXPECT_EQ(checksum_of(rising), 0x46dd794eu);
}

TEST(Crc32c, IsTheSameWhereverTheBytesAreCut) {
  const std::string text = "a text of no round number of bytes, to be cut";
  for (size_t first = 0; first <= text.size(); ++first) {
    EXPECT_EQ(
        crc32c(
            crc32c(0, text.data(), first),
            text.data() + first,
            text.size() - first),
        checksum_of(text));
  }
}

TEST(Crc32c, IsTheSameByTablesAtEveryLengthAndPlace) {
  std::vector<uint8_t> bytes(100);
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<uint8_t>(i * i * 37 + 11);
  }
  for (size_t first = 0; first < 9; ++first) {
    for (size_t size = 0; size + first <= bytes.size(); ++size) {
      const uint8_t* data = bytes.data() + first;
      ASSERT_EQ(crc32c_by_tables(7, data, size), crc32c(7, data, size))
          << first << " " << size;
    }
  }
}

} // namespace
} // namespace polytask
