// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/ScalarType.h>

#include <cmath>
#include <cstdint>
#include <limits>

namespace polytask::detail {

/// The relative rounding of a number of this type: half of the distance of 1
/// from the next.
inline double rounding_of(c10::ScalarType type) {
  switch (type) {
    case c10::ScalarType::Double:
      return 0x1p-53;
    case c10::ScalarType::Float:
      return 0x1p-24;
    case c10::ScalarType::Half:
      return 0x1p-11;
    default:
      return 0x1p-8; // bfloat16
  }
}

/// How well a Gramian of so many rows is known whose products were summed, or
/// kept, in this type: by the largest eigenvalue, or so, of what they lost.
inline double gramian_rounding(c10::ScalarType type, int64_t tasks) {
  return type == c10::ScalarType::Double
      ? rounding_of(type)
      : 4 * rounding_of(type) * std::sqrt(static_cast<double>(tasks));
}

/// The smallest number of this type of full precision; one over it is finite.
inline double smallest_of(c10::ScalarType type) {
  switch (type) {
    case c10::ScalarType::Double:
      return std::numeric_limits<double>::min();
    case c10::ScalarType::Half:
      return 0x1p-14;
    default:
      return std::numeric_limits<float>::min();
  }
}

/// The largest number of this type.
inline double largest_of(c10::ScalarType type) {
  switch (type) {
    case c10::ScalarType::Double:
      return std::numeric_limits<double>::max();
    case c10::ScalarType::Half:
      return 65504;
    default:
      return std::numeric_limits<float>::max();
  }
}

} // namespace polytask::detail
