// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/utf8.h"

#include <cstddef>
#include <cstdint>

namespace polytask::io::detail {

namespace {

// By a character's first byte; 0 for one that cannot be the first.
size_t utf8_length(unsigned char first) {
  if (first < 0x80) {
    return 1;
  }
  if (first < 0xc2) {
    return 0;
  }
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

} // namespace

bool is_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at]);
    const size_t length = utf8_length(first);
    if (length == 0 || length > text.size() - at) {
      return false;
    }
    uint32_t point = length == 1 ? first : first & (0xffU >> (length + 1));
    for (size_t i = 1; i < length; ++i) {
      const auto next = static_cast<unsigned char>(text[at + i]);
      if ((next & 0xc0) != 0x80) {
        return false;
      }
      point = (point << 6) | (next & 0x3f);
    }
    // A longer form than needed, or no character.
    if ((length == 3 && point < 0x800) || (length == 4 && point < 0x10000) ||
        point > 0x10ffff) {
      return false;
    }
    at += length;
  }
  return true;
}

} // namespace polytask::io::detail
