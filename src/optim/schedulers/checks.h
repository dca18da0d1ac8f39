// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/Exception.h>

#include <cmath>
#include <cstdint>

namespace polytask::optim::detail {

inline void check_positive(const char* who, const char* what, int64_t number) {
  TORCH_CHECK_VALUE(
      number >= 1,
      who,
      ": expected ",
      what,
      " of at least 1, but got ",
      number,
      ".");
}

inline void check_not_negative(
    const char* who, const char* what, double number) {
  TORCH_CHECK_VALUE(
      std::isfinite(number) && number >= 0,
      who,
      ": expected ",
      what,
      " that is finite and at least 0, but got ",
      number,
      ".");
}

} // namespace polytask::optim::detail
