// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/math/power_equation.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>

#include <polytask/math/min_norm_point.h>
#include <polytask/math/normalized_gramian.h>

#include "growing_cholesky.h"
#include "rounding_tolerance.h"

namespace polytask::math {

namespace {

constexpr const char* kNotSettled =
    "solve_power_equation: Newton's method did not settle. Are all values "
    "finite?";

constexpr int kMaxSteps = 500;

// Relative change of z below which Newton's method needs no damping.
constexpr double kSmallChange = 0.01;

// Relative residual at which what is left may be rounding.
constexpr double kSmallError = 1e-11;

// Squared length, in units of that of its terms, below which rounding of the
// Gramian would decide on a sum of rows.
constexpr double kZeroSquare = 1e-13;

// A right side of the equation this small beside the terms of the left one may
// be that of weights that ought to diverge and were stopped by rounding.
constexpr double kFaint = 1e-6;

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
  bool is_faint() const;

 private:
  double power(double value) const {
    return alpha_ == 1 ? 1 / value : std::pow(value, -1 / alpha_);
  }
  void start();
  void evaluate();
  bool is_stationary() const;
  double error() const;
  double slope() const;
  void find_direction();
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

// Whether the rows, weighted with w, cancel: the squared length of their sum is
// at rounding level.
bool PowerEquation::is_stationary() const {
  double sum = 0;
  for (const double length : lengths_) {
    sum += length;
  }
  return square_ <= kZeroSquare * sum * sum;
}

bool PowerEquation::is_faint() const {
  double sum = 0;
  for (const double length : lengths_) {
    sum += length;
  }
  for (size_t i = 0; i < z_.size(); ++i) {
    if (units_[i] * powers_[i] < kFaint * sum) {
      return true;
    }
  }
  return false;
}

// The largest residual, relative to the terms it is the sum of.
double PowerEquation::error() const {
  double largest = 0;
  for (size_t i = 0; i < z_.size(); ++i) {
    const auto row = cosines_.row(static_cast<int64_t>(i));
    double terms = units_[i] * powers_[i];
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
  // Keeps equal rows apart; of use only where z is so large that their shares
  // hardly matter.
  const double least = 16 * kEpsilon * static_cast<double>(z_.size());
  factor_.clear();
  for (size_t i = 0; i < z_.size(); ++i) {
    const auto index = static_cast<int64_t>(i);
    hessian_(index, index) = 1 + std::max(powers_[i] / (alpha_ * z_[i]), least);
    TORCH_CHECK(factor_.append(index), kNotSettled);
  }
  factor_.solve(residuals_, direction_);
  for (double& value : direction_) {
    value = -value;
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

bool PowerEquation::solve(Vector& z) {
  start();
  double previous = error();
  for (int step = 0; step < kMaxSteps; ++step) {
    if (is_stationary()) {
      return false;
    }
    find_direction();
    const double change = move();
    const double current = error();
    // Close to the solution the error falls with the square of the change,
    // until all that is left is rounding.
    if (current <= kEpsilon ||
        (current < kSmallError && change < kSmallChange &&
         current > previous / 2)) {
      z = z_;
      return true;
    }
    previous = current;
  }
  C10_THROW_ERROR(Error, kNotSettled);
}

bool hull_holds_zero(const Matrix& cosines) {
  const Vector weights = min_norm_point(cosines);
  double square = 0;
  for (int64_t i = 0; i < cosines.size(); ++i) {
    for (int64_t j = 0; j < cosines.size(); ++j) {
      square += weights[i] * cosines(i, j) * weights[j];
    }
  }
  return square <= kZeroSquare;
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
  PowerEquation equation(rows, alpha);
  Vector weights;
  if (!equation.solve(weights) ||
      (equation.is_faint() && hull_holds_zero(rows.cosines))) {
    return std::nullopt;
  }
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] *= std::pow(rows.norms[i], -2 * alpha / (1 + alpha));
  }
  return weights;
}

} // namespace polytask::math
