// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/Exception.h>

#include <cstdint>
#include <limits>

namespace polytask::detail {

/// The integer that a value of nlohmann-json is; its own `get` takes fractions
/// and numbers that are too large, too.
template <typename Json>
int64_t json_integer(const Json& json) {
  constexpr auto kMost =
      static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  TORCH_CHECK_VALUE(
      json.is_number_integer() &&
          (!json.is_number_unsigned() ||
           json.template get<uint64_t>() <= kMost),
      "expected an integer, but got ",
      json.is_number_integer() ? "a larger one" : json.type_name(),
      ".");
  return json.template get<int64_t>();
}

} // namespace polytask::detail
