// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

// The fields of Protobuf's wire format, as text:
// https://protobuf.dev/programming-guides/encoding

namespace polytask::detail {

template <typename Integer>
std::string little_endian(Integer number) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(number); ++i) {
    bytes += static_cast<char>((number >> (8 * i)) & 0xff);
  }
  return bytes;
}

inline std::string varint(uint64_t number) {
  std::string bytes;
  for (; number > 127; number >>= 7) {
    bytes += static_cast<char>((number & 127) | 128);
  }
  return bytes + static_cast<char>(number);
}

inline std::string field(int number, int64_t value) {
  return varint(static_cast<uint64_t>(number) << 3) +
      varint(static_cast<uint64_t>(value));
}

inline std::string field(int number, double value) {
  return varint(static_cast<uint64_t>(number) << 3 | 1) +
      little_endian(std::bit_cast<uint64_t>(value));
}

inline std::string field(int number, float value) {
  return varint(static_cast<uint64_t>(number) << 3 | 5) +
      little_endian(std::bit_cast<uint32_t>(value));
}

/// A text, or a message within the message.
inline std::string field(int number, const std::string& bytes) {
  return varint(static_cast<uint64_t>(number) << 3 | 2) + varint(bytes.size()) +
      bytes;
}

inline std::string field(int number, const std::vector<double>& values) {
  std::string bytes;
  for (const double value : values) {
    bytes += little_endian(std::bit_cast<uint64_t>(value));
  }
  return field(number, bytes);
}

} // namespace polytask::detail
