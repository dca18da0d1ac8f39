// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>

#include <polytask/math/matrix.h>

namespace polytask::balancing::detail {

/// Moves `values` by one step of Adam, the `step`-th from 1, with LibTorch's
/// defaults; `mean` and `square` are its moments.
///
/// Source: D. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR
/// 2015, algorithm 1.
inline void adam_step(
    double rate,
    int64_t step,
    const math::Vector& gradient,
    math::Vector& values,
    math::Vector& mean,
    math::Vector& square) {
  constexpr double kBeta1 = 0.9;
  constexpr double kBeta2 = 0.999;
  constexpr double kEps = 1e-8;
  const auto count = static_cast<double>(step);
  const double correction1 = 1 - std::pow(kBeta1, count);
  const double correction2 = 1 - std::pow(kBeta2, count);
  for (size_t i = 0; i < values.size(); ++i) {
    const double slope = gradient[i];
    mean[i] = kBeta1 * mean[i] + (1 - kBeta1) * slope;
    square[i] = kBeta2 * square[i] + (1 - kBeta2) * slope * slope;
    values[i] -= rate / correction1 * mean[i] /
        (std::sqrt(square[i] / correction2) + kEps);
  }
}

} // namespace polytask::balancing::detail
