// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace polytask::fit::detail {

/// The best of the values so far; NaN is never better.
class BestValue {
 public:
  /// Whether the value is better than all before by more than `min_delta`.
  bool add(double value, bool higher_is_better, double min_delta = 0) {
    const double gain = higher_is_better ? value - best_ : best_ - value;
    const bool better =
        std::isnan(best_) ? !std::isnan(value) : gain > min_delta;
    if (better) {
      best_ = value;
      since_ = 0;
    } else {
      ++since_;
    }
    return better;
  }

  /// NaN before the first.
  double best() const {
    return best_;
  }
  /// How many values in a row were no better.
  int64_t since() const {
    return since_;
  }
  void set(double best, int64_t since) {
    best_ = best;
    since_ = since;
  }

 private:
  double best_ = std::numeric_limits<double>::quiet_NaN();
  int64_t since_ = 0;
};

} // namespace polytask::fit::detail
