// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/ScalarType.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace polytask::io::detail {

struct SafetensorsEntry {
  at::ScalarType dtype = at::ScalarType::Undefined;
  std::vector<int64_t> sizes;
  /// Where the tensor's bytes begin and end, counted from where the data do.
  uint64_t begin = 0;
  uint64_t end = 0;
};

struct SafetensorsHeader {
  /// In the order of their data.
  std::vector<std::string> names;
  std::map<std::string, SafetensorsEntry> entries;
  std::map<std::string, std::string> metadata;
};

/// Of the header, before it; the format's bytes are used as they are.
using SafetensorsLength = uint64_t;
static_assert(std::endian::native == std::endian::little);

/// In bytes; the format's own limit.
constexpr uint64_t kLongestSafetensorsHeader = 100'000'000;

/// The key that no tensor may have.
constexpr auto kSafetensorsMetadata = "__metadata__";

/// Reads and checks the JSON of a file that has so many bytes of data. Throws
/// `c10::ValueError`, with `who`, at what is wrong.
SafetensorsHeader parse_safetensors_header(
    const std::string& who, std::string_view text, uint64_t data_size);

/// The JSON, with blanks behind it for data that are aligned to 8 bytes. Throws
/// `c10::ValueError`, with `who`, if a text is not UTF-8 or all is too long.
std::string safetensors_header_text(
    const std::string& who, const SafetensorsHeader& header);

/// `tensor 'a.weight'`, shortened for a message.
std::string shown_tensor(const std::string& name);

} // namespace polytask::io::detail
