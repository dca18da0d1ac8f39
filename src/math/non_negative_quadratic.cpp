// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "non_negative_quadratic.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rounding_tolerance.h"

namespace polytask::math {

NonNegativeQuadratic::NonNegativeQuadratic(const Matrix& hessian)
    : hessian_(hessian),
      factor_(hessian),
      x_(hessian.size()),
      slopes_(hessian.size()),
      target_(hessian.size()),
      refused_(hessian.size()) {}

const Vector& NonNegativeQuadratic::minimize(std::span<const double> f) {
  start(f);
  std::ranges::fill(refused_, 0);
  RoundingTolerance tolerance("active set", hessian_.size());
  double size = 0;
  for (;;) {
    update_slopes(f);
    double sum = 0;
    for (const double value : target_) {
      sum += std::abs(value);
    }
    // Larger values of earlier rounds have left their rounding.
    size = std::max(size, sum);
    const double relative = tolerance.next();
    int64_t index = -1;
    for (int64_t i = 0; i < hessian_.size(); ++i) {
      if (slopes_[i] > relative * (std::abs(f[i]) + size) &&
          (index < 0 || slopes_[i] > slopes_[index]) && may_join(i)) {
        index = i;
      }
    }
    if (index < 0) {
      return x_;
    }
    const double scale = std::abs(f[index]) + size;
    if (factor_.append(index) ||
        (slopes_[index] > kSmallestSlope * scale && exchange(index))) {
      settle(f);
    }
    if (factor_.contains(index)) {
      std::ranges::fill(refused_, 0);
    } else {
      refused_[index] = 1;
    }
  }
}

// The guess that all members are those that pull from x = 0, without those
// whose x turns out negative: often almost the result.
void NonNegativeQuadratic::start(std::span<const double> f) {
  std::ranges::fill(x_, 0.0);
  factor_.clear();
  for (int64_t i = 0; i < hessian_.size(); ++i) {
    if (f[i] > 0) {
      factor_.append(i);
    }
  }
  for (;;) {
    factor_.solve(f, target_);
    std::vector<int64_t> positive;
    const auto& members = factor_.members();
    for (size_t i = 0; i < members.size(); ++i) {
      if (target_[i] > 0) {
        positive.push_back(members[i]);
      }
    }
    if (positive.size() == members.size()) {
      move(1);
      return;
    }
    factor_.clear();
    for (const int64_t index : positive) {
      factor_.append(index);
    }
  }
}

void NonNegativeQuadratic::update_slopes(std::span<const double> f) {
  std::ranges::copy(f, slopes_.begin());
  for (const int64_t member : factor_.members()) {
    const std::span<const double> row = hessian_.row(member);
    for (size_t i = 0; i < slopes_.size(); ++i) {
      slopes_[i] -= row[i] * x_[member];
    }
  }
}

bool NonNegativeQuadratic::may_join(int64_t index) const {
  return !factor_.contains(index) && refused_[index] == 0;
}

// For an index that depends on the members: raises its x and changes theirs so
// that H x stays, until a member can leave for it. False, and no change, where
// none has to.
bool NonNegativeQuadratic::exchange(int64_t index) {
  factor_.solve(hessian_.row(index), target_);
  const auto& members = factor_.members();
  double step = std::numeric_limits<double>::infinity();
  size_t leaving = 0;
  for (size_t i = 0; i < members.size(); ++i) {
    if (target_[i] > kSmallestShare && x_[members[i]] < step * target_[i]) {
      step = x_[members[i]] / target_[i];
      leaving = i;
    }
  }
  if (std::isinf(step)) {
    return false;
  }
  for (size_t i = 0; i < members.size(); ++i) {
    x_[members[i]] = std::max(x_[members[i]] - step * target_[i], 0.0);
  }
  x_[members[leaving]] = 0;
  factor_.remove(leaving);
  if (factor_.append(index)) {
    x_[index] = step;
  }
  return true;
}

// Moves to the minimum over the members' x; those that would be negative leave.
void NonNegativeQuadratic::settle(std::span<const double> f) {
  for (;;) {
    factor_.solve(f, target_);
    const auto& members = factor_.members();
    double fraction = 1;
    size_t leaving = members.size();
    for (size_t i = 0; i < members.size(); ++i) {
      const double x = x_[members[i]];
      if (target_[i] <= 0 && x <= fraction * (x - target_[i])) {
        fraction = x == target_[i] ? 0 : x / (x - target_[i]);
        leaving = i;
      }
    }
    move(fraction);
    if (leaving == members.size()) {
      return;
    }
    x_[members[leaving]] = 0;
    factor_.remove(leaving);
  }
}

void NonNegativeQuadratic::move(double fraction) {
  const auto& members = factor_.members();
  for (size_t i = 0; i < members.size(); ++i) {
    double& x = x_[members[i]];
    x = fraction == 1 ? target_[i]
                      : std::max(x + fraction * (target_[i] - x), 0.0);
  }
}

} // namespace polytask::math
