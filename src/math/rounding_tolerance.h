// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <limits>

namespace polytask::math {

inline constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

// What an active set takes for rounding: a few units in the last place, and
// more for one that comes back to the same sets again and again.
class RoundingTolerance {
 public:
  explicit RoundingTolerance(int64_t size) : patience_(4 * size + 8) {}

  // For the next round, relative to the magnitude of its terms.
  double next() {
    if (++rounds_ % patience_ == 0) {
      relative_ *= 4;
    }
    return relative_;
  }

 private:
  int64_t patience_;
  int64_t rounds_ = 0;
  double relative_ = 8 * kEpsilon;
};

} // namespace polytask::math
