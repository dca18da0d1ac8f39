// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/Exception.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace polytask::detail {

/// Whether a value of nlohmann-json is an integer of 64 bits; its own `get`
/// takes fractions and numbers that are too large, too.
template <typename Json>
bool is_json_integer(const Json& json) {
  constexpr auto kMost =
      static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  return json.is_number_integer() &&
      (!json.is_number_unsigned() || json.template get<uint64_t>() <= kMost);
}

/// That integer; throws where it is none.
template <typename Json>
int64_t json_integer(const Json& json) {
  TORCH_CHECK_VALUE(
      is_json_integer(json),
      "expected an integer, but got ",
      json.is_number_integer() ? "a larger one" : json.type_name(),
      ".");
  return json.template get<int64_t>();
}

/// How deep brackets stand within brackets, outside of texts: what goes through
/// the values calls itself as often. (The parser's own callback takes the
/// square of the time.)
inline size_t json_depth(std::string_view text) {
  size_t depth = 0;
  size_t deepest = 0;
  bool in_text = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      in_text = !in_text;
    } else if (in_text) {
      i += c == '\\' ? 1 : 0;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      depth -= depth > 0 ? 1 : 0;
    }
  }
  return deepest;
}

} // namespace polytask::detail
