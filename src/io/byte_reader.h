// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/Exception.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace polytask::io::detail {

/// Reads from bytes, and never beyond their end: then it throws ValueError.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  size_t left() const {
    return bytes_.size();
  }

  std::string_view take(uint64_t count) {
    TORCH_CHECK_VALUE(count <= left(), "it is cut, or damaged.");
    const auto taken = bytes_.substr(0, static_cast<size_t>(count));
    bytes_.remove_prefix(taken.size());
    return taken;
  }

  /// Up to the end of a line, which is skipped.
  std::string_view line() {
    const auto line = take(std::min(bytes_.find('\n'), left()));
    take(1);
    return line;
  }

  /// Little-endian.
  template <typename T>
  T number() {
    using Unsigned = std::make_unsigned_t<T>;
    const auto bytes = take(sizeof(T));
    Unsigned value = 0;
    for (size_t i = 0; i < sizeof(T); ++i) {
      const Unsigned byte = static_cast<unsigned char>(bytes[i]);
      value = static_cast<Unsigned>(value | (byte << (8 * i)));
    }
    return static_cast<T>(value);
  }

 private:
  std::string_view bytes_;
};

} // namespace polytask::io::detail
