// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/step_clock.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace polytask::detail {

bool DueTime::is_due(double now) {
  // Four looks in an interval. Steps may become slower all of a sudden, so the
  // number grows in steps of two and shrinks at once.
  if (looked_ >= 0) {
    const double each =
        std::max(now - looked_, 1e-9) / static_cast<double>(between_);
    const double wanted = std::min(interval_ / (4 * each), 1e6);
    between_ =
        std::clamp<int64_t>(static_cast<int64_t>(wanted), 1, 2 * between_);
  }
  looked_ = now;
  left_ = between_;
  if (now < due_) {
    return false;
  }
  due_ = now + interval_;
  return true;
}

Pace::Pace() : rate_(std::numeric_limits<double>::quiet_NaN()) {}

void Pace::add(int64_t step, double part, double now) {
  if (!has_begun_) {
    has_begun_ = true;
    step_ = step;
    first_part_ = part;
    part_ = part;
    began_ = now;
    now_ = now;
    return;
  }
  part_ = part;
  const double passed = now - now_;
  if (step == step_ || passed <= 0) {
    return;
  }
  // A mean over the past that forgets with time; the weight of what was never
  // seen is taken out.
  constexpr double kMemory = 5; // seconds
  const double kept = std::exp(-passed / kMemory);
  const double newest = static_cast<double>(step - step_) / passed;
  const double before = weight_ > 0 ? rate_ * weight_ : 0;
  weight_ = kept * weight_ + (1 - kept);
  rate_ = (kept * before + (1 - kept) * newest) / weight_;
  step_ = step;
  now_ = now;
}

double Pace::seconds_left() const {
  const double done = part_ - first_part_;
  return done > 0 ? std::max(1 - part_, 0.0) * (now_ - began_) / done
                  : std::numeric_limits<double>::quiet_NaN();
}

} // namespace polytask::detail
