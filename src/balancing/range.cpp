// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "range.h"

#include <c10/util/StringUtil.h>

#include <cmath>

namespace polytask::balancing::detail {

bool Range::holds(double number) const {
  return std::isfinite(number) && number >= least && number <= most &&
      !(without_least && number == least) && !(without_most && number == most);
}

std::string Range::words() const {
  const bool has_most = most < std::numeric_limits<double>::max();
  if (has_most) {
    return c10::str("from ", least, " to ", without_most ? "below " : "", most);
  }
  if (least > std::numeric_limits<double>::lowest()) {
    return c10::str(without_least ? "above " : "of at least ", least);
  }
  return "that is finite";
}

} // namespace polytask::balancing::detail
