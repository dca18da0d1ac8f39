// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <limits>
#include <string>

namespace polytask::balancing::detail {

/// What an option's numbers may be: within bounds, and always finite.
struct Range {
  double least = std::numeric_limits<double>::lowest();
  double most = std::numeric_limits<double>::max();
  bool without_least = false;
  bool without_most = false;

  bool holds(double number) const;
  /// "of at least 0", "above 0", "from 0 to 1"; what follows an option's name.
  std::string words() const;
};

inline Range any_number() {
  return {};
}
inline Range at_least(double least) {
  return {.least = least};
}
inline Range above(double least) {
  return {.least = least, .without_least = true};
}
inline Range from_to(double least, double most) {
  return {.least = least, .most = most};
}
inline Range from_to_below(double least, double most) {
  return {.least = least, .most = most, .without_most = true};
}

} // namespace polytask::balancing::detail
