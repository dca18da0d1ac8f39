// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/math/power_equation.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <polytask/math/min_norm_point.h>
#include <polytask/math/normalized_gramian.h>

#include "src/math/growing_cholesky.h"

namespace polytask::math {

namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

constexpr int kMaxSteps = 500;

// Relative change of z below which Newton's method needs no damping.
constexpr double kSmallChange = 0.01;

// In place of w, z = w / w_alone, where w_alone = |g|^(-2 alpha / (1 + alpha))
// solves the equation of a row by itself. With r = |g| w_alone and the cosines
// C the equation is C (r z) = r z^(-1 / alpha), and the Newton system in r dz
// has the matrix C + diag(z^(-1 / alpha - 1) / alpha).
class PowerEquation {
 public:
  PowerEquation(const NormalizedGramian& rows, double alpha)
      : cosines_(rows.cosines),
        hessian_(rows.cosines),
        factor_(hessian_),
        alpha_(alpha),
        units_(rows.norms.size()),
        z_(rows.norms.size()),
        lengths_(rows.norms.size()),
        powers_(rows.norms.size()),
        residuals_(rows.norms.size()),
        direction_(rows.norms.size()) {
    for (size_t i = 0; i < units_.size(); ++i) {
      units_[i] = std::pow(rows.norms[i], (1 - alpha) / (1 + alpha));
    }
  }

  // z; false where there is none.
  bool solve(Vector& z);

 private:
  double power(double value) const {
    return alpha_ == 1 ? 1 / value : std::pow(value, -1 / alpha_);
  }
  void start();
  void evaluate();
  bool is_stationary() const;
  double error() const;
  double slope() const;
  bool find_direction();
  double move();

  const Matrix& cosines_;
  Matrix hessian_;
  GrowingCholesky factor_;
  double alpha_;
  Vector units_; // r
  Vector z_;
  Vector lengths_;   // r z
  Vector powers_;    // z^(-1 / alpha)
  Vector residuals_; // C (r z) - r z^(-1 / alpha)
  Vector direction_; // r dz
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
  if (!is_stationary()) {
    const double scale = std::pow(squares / square_, alpha_ / (1 + alpha_));
    std::ranges::fill(z_, scale);
    evaluate();
  }
}

void PowerEquation::evaluate() {
  for (size_t i = 0; i < z_.size(); ++i) {
    lengths_[i] = units_[i] * z_[i];
    powers_[i] = power(z_[i]);
    residuals_[i] = 0;
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

// Whether the rows, weighted with w, cancel to rounding.
bool PowerEquation::is_stationary() const {
  double sum = 0;
  for (const double length : lengths_) {
    sum += length;
  }
  return square_ <= 16 * kEpsilon * sum * sum;
}

// The largest residual, relative to its side of the equation.
double PowerEquation::error() const {
  double largest = 0;
  for (size_t i = 0; i < z_.size(); ++i) {
    largest =
        std::max(largest, std::abs(residuals_[i]) / (units_[i] * powers_[i]));
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

bool PowerEquation::find_direction() {
  factor_.clear();
  for (size_t i = 0; i < z_.size(); ++i) {
    const auto index = static_cast<int64_t>(i);
    hessian_(index, index) = 1 + powers_[i] / (alpha_ * z_[i]);
    if (!factor_.append(index)) {
      return false;
    }
  }
  factor_.solve(residuals_, direction_);
  for (double& value : direction_) {
    value = -value;
  }
  return true;
}

// Moves along the direction: most of the way to the boundary, and not far
// beyond the minimum. Returns the largest relative change of the full step.
double PowerEquation::move() {
  double change = 0;
  double fraction = 1;
  for (size_t i = 0; i < z_.size(); ++i) {
    const double relative = direction_[i] / lengths_[i];
    change = std::max(change, std::abs(relative));
    if (relative < -0.99) {
      fraction = std::min(fraction, -0.99 / relative);
    }
  }
  const double initial = slope();
  const Vector from = z_;
  for (int halvings = 0; halvings < 60; ++halvings, fraction /= 2) {
    for (size_t i = 0; i < z_.size(); ++i) {
      z_[i] = from[i] + fraction * direction_[i] / units_[i];
    }
    evaluate();
    if (change < kSmallChange || slope() <= -0.5 * initial) {
      break;
    }
  }
  return change;
}

bool PowerEquation::solve(Vector& z) {
  start();
  double previous = error();
  for (int step = 0; step < kMaxSteps; ++step) {
    if (is_stationary() || !find_direction()) {
      return false;
    }
    const double change = move();
    const double current = error();
    // Close to the solution the error falls with the square of the change,
    // until all that is left is rounding.
    if (current <= 4 * kEpsilon ||
        (change < kSmallChange && current > previous / 2)) {
      z = z_;
      return true;
    }
    previous = current;
  }
  TORCH_CHECK(
      false,
      "solve_power_equation: Newton's method did not settle. Are all values "
      "finite?");
}

} // namespace

std::optional<Vector> solve_power_equation(
    const Matrix& gramian, double alpha) {
  TORCH_CHECK_VALUE(
      alpha > 0,
      "solve_power_equation: expected a positive alpha, but got ",
      alpha,
      ".");
  const NormalizedGramian rows = normalize_gramian(gramian);
  if (std::ranges::count(rows.norms, 0.0) > 0) {
    return std::nullopt;
  }
  Vector weights;
  if (!PowerEquation(rows, alpha).solve(weights)) {
    return std::nullopt;
  }
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] *= std::pow(rows.norms[i], -2 * alpha / (1 + alpha));
  }
  return weights;
}

} // namespace polytask::math
