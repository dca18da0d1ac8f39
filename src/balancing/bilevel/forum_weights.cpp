// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "forum_weights.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <polytask/math/min_norm_point.h>

namespace polytask::balancing::detail {

namespace {

constexpr size_t kForumNoBound = std::numeric_limits<size_t>::max();
// Added to the curvature in each step: directions in which there is none are
// then followed to the next bound. Steps repeat, so that the minimum does not
// move.
constexpr double kForumDamping = 1e-12;
constexpr int kForumSteps = 3;

// By Gaussian elimination with row pivots, in place.
math::Vector solve_in_place(math::Matrix& matrix, math::Vector rhs) {
  const int64_t n = matrix.size();
  for (int64_t k = 0; k < n; ++k) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; ++i) {
      if (std::abs(matrix(i, k)) > std::abs(matrix(pivot, k))) {
        pivot = i;
      }
    }
    for (int64_t j = 0; j < n && pivot != k; ++j) {
      std::swap(matrix(pivot, j), matrix(k, j));
    }
    std::swap(rhs[static_cast<size_t>(pivot)], rhs[static_cast<size_t>(k)]);
    for (int64_t i = k + 1; i < n; ++i) {
      const double factor = matrix(i, k) / matrix(k, k);
      for (int64_t j = k; factor != 0 && j < n; ++j) {
        matrix(i, j) -= factor * matrix(k, j);
      }
      rhs[static_cast<size_t>(i)] -= factor * rhs[static_cast<size_t>(k)];
    }
  }
  for (int64_t k = n - 1; k >= 0; --k) {
    double& value = rhs[static_cast<size_t>(k)];
    for (int64_t j = k + 1; j < n; ++j) {
      value -= matrix(k, j) * rhs[static_cast<size_t>(j)];
    }
    value /= matrix(k, k);
  }
  return rhs;
}

// x = (w, v |q|, the distance of that from its bound) >= 0, with two equations
// E x = (1, 0): w sums to 1, and what the distance is.
class ForumActiveSet {
 public:
  ForumActiveSet(const ForumDirections& directions, double phi)
      : tasks_(directions.with_lower.size()),
        length_(std::sqrt(directions.lower_square)),
        products_(static_cast<int64_t>(tasks_) + 1),
        bounds_(forum_slopes(directions, phi)),
        x_(tasks_ + 2, 0.0),
        is_free_(tasks_ + 2, false) {
    const auto last = static_cast<int64_t>(tasks_);
    for (int64_t i = 0; i < last; ++i) {
      for (int64_t j = 0; j < last; ++j) {
        products_(i, j) = directions.products(i, j);
      }
      const double cosine =
          directions.with_lower[static_cast<size_t>(i)] / length_;
      products_(i, last) = products_(last, i) = cosine;
      bounds_[static_cast<size_t>(i)] *= length_;
    }
    products_(last, last) = 1;
    slope_ = phi * (directions.lower_square + kForumTiny) / length_;
  }

  math::Vector minimize() {
    start();
    int steps = 0;
    for (int64_t round = 1; steps < kForumSteps || add_most_needed(steps);
         ++round) {
      find_step();
      const bool is_blocked = move();
      steps = is_blocked ? 0 : steps + 1;
      // Against coming back to the same sets again and again.
      tolerance_ *=
          round % static_cast<int64_t>(4 * x_.size() + 8) == 0 ? 4 : 1;
    }
    x_.resize(tasks_);
    return x_;
  }

 private:
  size_t lower() const {
    return tasks_;
  }
  size_t distance() const {
    return tasks_ + 1;
  }
  // Column i of E.
  std::pair<double, double> equations(size_t i) const {
    if (i < tasks_) {
      return {1, -bounds_[i]};
    }
    return {0, i == lower() ? 1 : -1};
  }

  // From a single task, with as little of q as may be.
  void start() {
    double least = std::numeric_limits<double>::infinity();
    size_t best = 0;
    for (size_t k = 0; k < tasks_; ++k) {
      const auto i = static_cast<int64_t>(k);
      const auto last = static_cast<int64_t>(tasks_);
      const double v = std::max(bounds_[k], 0.0);
      const double value =
          products_(i, i) + v * v + 2 * v * products_(i, last) - slope_ * v;
      if (value < least) {
        least = value;
        best = k;
      }
    }
    x_[best] = 1;
    x_[lower()] = std::max(bounds_[best], 0.0);
    x_[distance()] = x_[lower()] - bounds_[best];
    is_free_[best] = true;
    is_free_[x_[lower()] > 0 ? lower() : distance()] = true;
  }

  double slope(size_t i) const {
    if (i == distance()) {
      return 0;
    }
    double sum = 0;
    const auto row = products_.row(static_cast<int64_t>(i));
    for (size_t j = 0; j <= lower(); ++j) {
      sum += 2 * row[j] * x_[j];
    }
    return i == lower() ? sum - slope_ : sum;
  }

  // To the minimum over those that are free, and the equations' multipliers.
  void find_step() {
    std::vector<size_t> free;
    for (size_t i = 0; i < x_.size(); ++i) {
      if (is_free_[i]) {
        free.push_back(i);
      }
    }
    const auto count = static_cast<int64_t>(free.size());
    math::Matrix system(count + 2);
    math::Vector rhs(free.size() + 2, 0.0);
    for (int64_t a = 0; a < count; ++a) {
      const size_t i = free[static_cast<size_t>(a)];
      for (int64_t b = 0; b < count; ++b) {
        const size_t j = free[static_cast<size_t>(b)];
        const bool is_curved = i != distance() && j != distance();
        system(a, b) = is_curved
            ? 2 * products_(static_cast<int64_t>(i), static_cast<int64_t>(j))
            : 0;
      }
      system(a, a) += kForumDamping;
      const auto [first, second] = equations(i);
      system(a, count) = system(count, a) = first;
      system(a, count + 1) = system(count + 1, a) = second;
      rhs[static_cast<size_t>(a)] = -slope(i);
    }
    const auto solution = solve_in_place(system, std::move(rhs));
    step_.assign(x_.size(), 0.0);
    for (size_t a = 0; a < free.size(); ++a) {
      step_[free[a]] = solution[a];
    }
    multipliers_ = {solution[free.size()], solution[free.size() + 1]};
  }

  // Whether a bound came before the minimum.
  bool move() {
    double share = 1;
    size_t blocking = kForumNoBound;
    for (size_t i = 0; i < x_.size(); ++i) {
      if (step_[i] < 0 && x_[i] < -step_[i] * share) {
        share = x_[i] / -step_[i];
        blocking = i;
      }
    }
    for (size_t i = 0; i < x_.size(); ++i) {
      x_[i] = std::max(x_[i] + share * step_[i], 0.0);
    }
    if (blocking != kForumNoBound) {
      x_[blocking] = 0;
      is_free_[blocking] = false;
    }
    return blocking != kForumNoBound;
  }

  // False at the minimum.
  bool add_most_needed(int& steps) {
    size_t most = kForumNoBound;
    double least = 0;
    for (size_t i = 0; i < x_.size(); ++i) {
      const auto [first, second] = equations(i);
      const double a = first * multipliers_.first;
      const double b = second * multipliers_.second;
      const double own = slope(i);
      const double scale =
          1 + std::abs(own) + std::abs(a) + std::abs(b) + slope_;
      const double relative = (own + a + b) / scale;
      if (!is_free_[i] && relative < std::min(least, -tolerance_)) {
        least = relative;
        most = i;
      }
    }
    steps = 0;
    if (most == kForumNoBound) {
      return false;
    }
    is_free_[most] = true;
    return true;
  }

  size_t tasks_;
  double length_;
  math::Matrix products_; // of F and q / |q|
  math::Vector bounds_;   // |q| π
  double slope_ = 0;      // of v |q|
  math::Vector x_;
  std::vector<bool> is_free_;
  math::Vector step_;
  std::pair<double, double> multipliers_;
  double tolerance_ = 1e-13;
};

} // namespace

math::Vector forum_slopes(const ForumDirections& directions, double phi) {
  math::Vector slopes = directions.with_lower;
  for (double& slope : slopes) {
    slope = phi - slope / (directions.lower_square + kForumTiny);
  }
  return slopes;
}

math::Vector forum_weights(const ForumDirections& directions, double phi) {
  if (directions.lower_square < kForumSolved) {
    return math::min_norm_point(directions.products);
  }
  return ForumActiveSet(directions, phi).minimize();
}

} // namespace polytask::balancing::detail
