// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace toy {

using Point = std::array<double, 2>;

/// Both objectives at a point, and their gradients.
struct Value {
  std::array<double, 2> losses;
  std::array<Point, 2> gradients;
};

namespace detail {

/// A number and its gradient.
struct Term {
  double value;
  Point gradient;
};

inline Term times(const Term& a, const Term& b) {
  return {a.value * b.value,
      {a.gradient[0] * b.value + a.value * b.gradient[0],
          a.gradient[1] * b.value + a.value * b.gradient[1]}};
}

/// log(max(|inner|, 5e-6)) + 6; as with torch, max at its kink gives half of the gradient.
inline Term valley(const Term& inner) {
  constexpr double kLeast = 5e-6;
  const double size = std::abs(inner.value);
  const double share = size > kLeast ? 1 : size == kLeast ? 0.5 : 0;
  const double factor = share * (inner.value < 0 ? -1 : 1) / std::max(size, kLeast);
  return {std::log(std::max(size, kLeast)) + 6,
      {factor * inner.gradient[0], factor * inner.gradient[1]}};
}

/// A paraboloid with its bottom at (bottom, -8).
inline Term bowl(const Point& x, double bottom) {
  return {((bottom - x[0]) * (bottom - x[0]) + 0.1 * (x[1] + 8) * (x[1] + 8)) / 10 - 20,
      {(x[0] - bottom) / 5, (x[1] + 8) / 50}};
}

/// max(tanh(sign x2 / 2), 0); as with torch's clamp, the kink passes the gradient on.
inline Term half(const Point& x, double sign) {
  const double t = std::tanh(0.5 * sign * x[1]);
  return {std::max(t, 0.0), {0, t >= 0 ? 0.5 * sign * (1 - t * t) : 0}};
}

} // namespace detail

/// The two objectives of the toy problem of B. Liu, X. Liu, X. Jin, P. Stone, Q. Liu,
/// "Conflict-averse gradient descent for multi-task learning", NeurIPS 2021. Above x2 = 0 each
/// has a narrow logarithmic valley that the other one's gradient holds a plain sum in; below, two
/// paraboloids pull to the sides. `scale` multiplies the first: A. Navon et al., "Multi-task
/// learning as a bargaining game", ICML 2022, take 0.1.
inline Value evaluate(const Point& x, double scale = 1) {
  using detail::Term;
  const double t = std::tanh(x[1]);
  const double slope = 1 - t * t;
  const Term logs[] = {detail::valley({0.5 * (-x[0] - 7) + t, {-0.5, slope}}),
      detail::valley({0.5 * (-x[0] + 3) - t + 2, {-0.5, -slope}})};
  const Term bowls[] = {detail::bowl(x, 7), detail::bowl(x, -7)};
  const Term above = detail::half(x, 1);
  const Term below = detail::half(x, -1);
  Value value{};
  for (size_t i = 0; i < 2; ++i) {
    const double factor = i == 0 ? scale : 1;
    const Term log = detail::times(logs[i], above);
    const Term square = detail::times(bowls[i], below);
    value.losses[i] = factor * (log.value + square.value);
    value.gradients[i] = {factor * (log.gradient[0] + square.gradient[0]),
        factor * (log.gradient[1] + square.gradient[1])};
  }
  return value;
}

/// The Pareto set, x1 from -7 to 7 at the bottom of the paraboloids: there, the sum that weighs
/// the first objective by x1 + 7 and the second by 7 - x1 is least along x2. The scale of the
/// first does not change it.
inline Point pareto_point(double x1) {
  double low = -10;
  double high = -6;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    const auto g = evaluate({x1, middle}).gradients;
    ((x1 + 7) * g[0][1] + (7 - x1) * g[1][1] < 0 ? low : high) = middle;
  }
  return {x1, (low + high) / 2};
}

} // namespace toy
