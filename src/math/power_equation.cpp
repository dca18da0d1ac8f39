// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/math/power_equation.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <polytask/math/normalized_gramian.h>

#include "growing_cholesky.h"
#include "rounding_tolerance.h"

namespace polytask::math {

namespace {

constexpr int kMaxSteps = 500;

// Components of the rows' own beyond double's rounding are taken off by whole
// rounds.
constexpr double kPowerCoarse = 1e-10;

// Near stationarity weights grow with a power of one over it, and with them
// what is lost in double.
constexpr double kPowerLeast = 0x1p-34;

// Relative change of z below which Newton's method needs no damping.
constexpr double kSmallChange = 0.01;

// One whose square is rounding.
constexpr double kSettledChange = 1e-8;

// Relative residual at which what is left may be rounding.
constexpr double kSmallError = 1e-11;

// In place of w, z = w / w_alone, where w_alone = |g|^(-2 alpha / (1 + alpha))
// solves the equation of a row by itself. With r = |g| w_alone and the cosines
// C the equation is C (r z) = r z^(-1 / alpha), and the Newton system in r dz
// has the matrix C + diag(z^(-1 / alpha - 1) / alpha). Rows have components of
// their own (see own_component): C is C + own I, and own times an earlier r z
// is taken off the left side again.
class PowerEquation {
 public:
  PowerEquation(NormalizedGramian rows, double alpha, double own)
      : cosines_(std::move(rows.cosines)),
        own_(own),
        hessian_(cosines_),
        factor_(hessian_),
        alpha_(alpha),
        units_(rows.norms.size()),
        z_(rows.norms.size()),
        lengths_(rows.norms.size()),
        powers_(rows.norms.size()),
        known_(rows.norms.size(), 0.0),
        residuals_(rows.norms.size()),
        direction_(rows.norms.size()),
        step_(rows.norms.size()) {
    for (size_t i = 0; i < units_.size(); ++i) {
      units_[i] = std::pow(rows.norms[i], (1 - alpha) / (1 + alpha));
      cosines_(static_cast<int64_t>(i), static_cast<int64_t>(i)) += own;
    }
  }

  // z.
  const Vector& solve();
  // What part of |J^T w|^2 is not of the rows' own components.
  double known_part() const;

 private:
  double power(double value) const {
    return alpha_ == 1 ? 1 / value : std::pow(value, -1 / alpha_);
  }
  void start();
  void evaluate();
  double error() const;
  double slope() const;
  void find_direction();
  double move();
  void settle();
  double refine();

  Matrix cosines_;
  double own_;
  Matrix hessian_;
  GrowingCholesky factor_;
  double alpha_;
  Vector units_; // r
  Vector z_;
  Vector lengths_;   // r z
  Vector powers_;    // z^(-1 / alpha)
  Vector known_;     // r z of before
  Vector residuals_; // C (r z) - own r z of before - r z^(-1 / alpha)
  Vector direction_; // r dz
  Vector step_;      // the same, in the factor's order
  double square_ = 0;
};

// The multiple of z = 1 that minimises the potential.
void PowerEquation::start() {
  std::ranges::fill(z_, 1.0);
  evaluate();
  double squares = 0;
  for (const double unit : units_) {
    squares += unit * unit;
  }
  const double scale = std::pow(squares / square_, alpha_ / (1 + alpha_));
  std::ranges::fill(z_, scale);
  evaluate();
}

void PowerEquation::evaluate() {
  for (size_t i = 0; i < z_.size(); ++i) {
    lengths_[i] = units_[i] * z_[i];
    powers_[i] = power(z_[i]);
    residuals_[i] = -own_ * known_[i];
  }
  for (size_t j = 0; j < z_.size(); ++j) {
    const auto row = cosines_.row(static_cast<int64_t>(j));
    for (size_t i = 0; i < z_.size(); ++i) {
      residuals_[i] += row[i] * lengths_[j];
    }
  }
  square_ = 0;
  for (size_t i = 0; i < z_.size(); ++i) {
    square_ += residuals_[i] * lengths_[i];
    residuals_[i] -= units_[i] * powers_[i];
  }
}

double PowerEquation::known_part() const {
  double square = 0;
  double own = 0;
  for (size_t i = 0; i < z_.size(); ++i) {
    const auto row = cosines_.row(static_cast<int64_t>(i));
    double product = 0;
    for (size_t j = 0; j < z_.size(); ++j) {
      product += row[j] * lengths_[j];
    }
    square += product * lengths_[i];
    own += own_ * lengths_[i] * lengths_[i];
  }
  return std::max(1 - own / square, 0.0);
}

// The largest residual, relative to the terms it is the sum of.
double PowerEquation::error() const {
  double largest = 0;
  for (size_t i = 0; i < z_.size(); ++i) {
    const auto row = cosines_.row(static_cast<int64_t>(i));
    double terms = units_[i] * powers_[i] + own_ * known_[i];
    for (size_t j = 0; j < z_.size(); ++j) {
      terms += std::abs(row[j]) * lengths_[j];
    }
    largest = std::max(largest, std::abs(residuals_[i]) / terms);
  }
  return largest;
}

// Of the potential along the direction.
double PowerEquation::slope() const {
  double sum = 0;
  for (size_t i = 0; i < z_.size(); ++i) {
    sum += residuals_[i] * direction_[i];
  }
  return sum;
}

void PowerEquation::find_direction() {
  factor_.clear();
  for (size_t i = 0; i < z_.size(); ++i) {
    const auto index = static_cast<int64_t>(i);
    hessian_(index, index) =
        cosines_(index, index) + powers_[i] / (alpha_ * z_[i]);
    // Of a matrix that is no Gramian, the part that is one.
    factor_.append(index);
  }
  std::ranges::fill(direction_, 0.0);
  factor_.solve(residuals_, step_);
  const auto& members = factor_.members();
  for (size_t i = 0; i < members.size(); ++i) {
    direction_[static_cast<size_t>(members[i])] = -step_[i];
  }
}

// Moves along the direction: most of the way to the boundary, and not far
// beyond the minimum. Returns the largest relative change of the full step.
double PowerEquation::move() {
  double change = 0;
  double fraction = 1;
  double length = 0;
  for (size_t i = 0; i < z_.size(); ++i) {
    length += lengths_[i];
    const double relative = direction_[i] / lengths_[i];
    change = std::max(change, std::abs(relative));
    if (relative < -0.99) {
      fraction = std::min(fraction, -0.99 / relative);
    }
  }
  const double initial = slope();
  double rounding = 0;
  for (const double value : direction_) {
    rounding += 8 * kEpsilon * length * std::abs(value);
  }
  const Vector from = z_;
  for (int halvings = 0; halvings < 60; ++halvings, fraction /= 2) {
    for (size_t i = 0; i < z_.size(); ++i) {
      z_[i] = from[i] + fraction * direction_[i] / units_[i];
    }
    evaluate();
    if (change < kSmallChange || slope() <= -0.5 * initial + rounding) {
      break;
    }
  }
  return change;
}

// Newton's method from where z is.
void PowerEquation::settle() {
  double previous = error();
  for (int step = 0; step < kMaxSteps; ++step) {
    find_direction();
    const double change = move();
    const double current = error();
    // Close to the solution the error falls with the square of the change,
    // until all that is left is rounding.
    if (current <= kEpsilon ||
        (current < kSmallError && change < kSmallChange &&
         current > previous / 2)) {
      return;
    }
    previous = current;
  }
}

// One round by a single step of Newton's method, where that is small.
double PowerEquation::refine() {
  known_ = lengths_;
  evaluate();
  find_direction();
  double largest = 0;
  for (size_t i = 0; i < z_.size(); ++i) {
    largest = std::max(largest, std::abs(direction_[i] / lengths_[i]));
  }
  const double large = largest / kSmallChange;
  const double share = 1 / (1 + large * large);
  for (size_t i = 0; i < z_.size(); ++i) {
    // Positive still: the share is at most the largest's inverse.
    z_[i] += share * direction_[i] / units_[i];
  }
  evaluate();
  return largest;
}

const Vector& PowerEquation::solve() {
  start();
  settle();
  if (own_ > kPowerCoarse) {
    for (int round = 0; round < 2; ++round) {
      known_ = lengths_;
      evaluate();
      settle();
    }
  } else if (refine() > kSettledChange) {
    refine();
  }
  return z_;
}

} // namespace

Vector solve_power_equation(const Matrix& gramian, double alpha) {
  TORCH_CHECK_VALUE(
      alpha > 0,
      "solve_power_equation: expected a positive alpha, but got ",
      alpha,
      ".");
  NormalizedGramian rows = normalize_gramian(gramian);
  const Vector norms = rows.norms;
  TORCH_CHECK_VALUE(
      std::ranges::count(norms, 0.0) == 0,
      "solve_power_equation: expected no row of zeros.");
  const double own = std::max(4 * own_component(gramian), kPowerLeast);
  PowerEquation equation(std::move(rows), alpha, own);
  Vector weights = equation.solve();
  // Shrinks J^T w to zero where hardly any of it is known: the rows' rounding,
  // times the weights, would be all of it.
  const double part = std::clamp(2 * equation.known_part() - 0.5, 0.0, 1.0);
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] *= part * std::pow(norms[i], -2 * alpha / (1 + alpha));
  }
  return weights;
}

} // namespace polytask::math
