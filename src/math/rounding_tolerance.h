// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/Exception.h>

#include <cstdint>
#include <limits>

namespace polytask::math {

inline constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

// Rows that depend on others to rounding of their Gramian do so to its square
// root only: smaller slopes and shares of theirs, as unit rows, say nothing.
inline constexpr double kSmallestSlope = 1e-7;
inline constexpr double kSmallestShare = 1e-6;

// What an active set takes for rounding: a few units in the last place, and
// more for one that comes back to the same sets again and again. Such a set
// ends here: an error once it takes more than a billionth.
class RoundingTolerance {
 public:
  RoundingTolerance(const char* who, int64_t size)
      : who_(who), patience_(4 * size + 8) {}

  // For the next round, relative to the magnitude of its terms.
  double next() {
    if (++rounds_ % patience_ == 0) {
      relative_ *= 4;
      TORCH_CHECK(
          relative_ < 1e-9,
          who_,
          ": no solution after ",
          rounds_,
          " rounds. Are all values finite?");
    }
    return relative_;
  }

 private:
  const char* who_;
  int64_t patience_;
  int64_t rounds_ = 0;
  double relative_ = 8 * kEpsilon;
};

} // namespace polytask::math
