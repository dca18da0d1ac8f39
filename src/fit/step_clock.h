// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <polytask/core/api.h>

namespace polytask::detail {

/// Of a clock of any start that never goes back.
inline double steady_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

/// When to write a file again that was begun at `began`: not before `least`
/// seconds have passed, and writing takes no more than a fiftieth of the time.
inline double next_write(double began, double least) {
  const double ended = steady_seconds();
  return ended + std::max(least, 50 * (ended - began));
}

/// Tells when a fixed time has passed, and hardly looks at the clock for it:
/// at every step where they are slow, else at every n-th.
class POLYTASK_API DueTime {
 public:
  explicit DueTime(double interval) : interval_(interval) {}

  /// Whether to ask the clock now, and then `is_due`.
  bool look() {
    return --left_ <= 0;
  }
  /// By a clock of any start, in seconds.
  bool is_due(double now);

 private:
  double interval_;
  int64_t left_ = 1;
  int64_t between_ = 1; // looks
  double looked_ = -1;
  double due_ = -1;
};

/// How fast a training goes, and how long it will take.
class POLYTASK_API Pace {
 public:
  Pace();

  /// Where the training stands at a time in seconds; `part` of all is done,
  /// NaN where nobody knows.
  void add(int64_t step, double part, double now);

  /// Steps in a second, of the last ten seconds or so; NaN at first.
  double steps_per_second() const {
    return rate_;
  }
  /// By what was done since the first `add`; NaN where nobody knows.
  double seconds_left() const;

 private:
  bool has_begun_ = false;
  int64_t step_ = 0;
  double first_part_ = 0;
  double part_ = 0;
  double began_ = 0;
  double now_ = 0;
  double rate_;
  double weight_ = 0; // of the rate
};

} // namespace polytask::detail
