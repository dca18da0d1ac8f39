// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "non_negative_quadratic.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "rounding_tolerance.h"

namespace polytask::math {

namespace {

// Beyond double's rounding one step is not enough.
constexpr double kCoarse = 1e-10;

} // namespace

NonNegativeQuadratic::NonNegativeQuadratic(Matrix hessian, double own)
    : hessian_(std::move(hessian)),
      own_(own),
      factor_(hessian_),
      x_(hessian_.size()),
      slopes_(hessian_.size()),
      target_(hessian_.size()),
      refused_(hessian_.size()) {
  for (int64_t i = 0; i < hessian_.size(); ++i) {
    hessian_(i, i) += own;
  }
}

const Vector& NonNegativeQuadratic::minimize(std::span<const double> f) {
  start(f);
  std::ranges::fill(refused_, 0);
  RoundingTolerance tolerance(hessian_.size());
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
      refine();
      return x_;
    }
    if (factor_.append(index)) {
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

// Steps of x = argmin 1/2 x^T H x - f^T x + own / 2 |x - x_before|^2 among the
// members: each brings what the last one changed nearer to zero, but for what H
// does not tell from it.
void NonNegativeQuadratic::refine() {
  const auto& members = factor_.members();
  Vector& change = slopes_;
  std::ranges::copy(x_, change.begin());
  const int steps = own_ > kCoarse ? 2 : 1;
  for (int step = 0; step < steps; ++step) {
    factor_.solve(change, target_);
    double fraction = own_;
    for (size_t i = 0; i < members.size(); ++i) {
      if (target_[i] * fraction < -x_[members[i]]) {
        fraction = x_[members[i]] / -target_[i];
      }
    }
    for (size_t i = 0; i < members.size(); ++i) {
      change[members[i]] = fraction * target_[i];
      x_[members[i]] = std::max(x_[members[i]] + fraction * target_[i], 0.0);
    }
  }
}

} // namespace polytask::math
