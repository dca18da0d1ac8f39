// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <polytask/math/matrix.h>

namespace polytask::balancing::detail {

struct SoftmaxCAGrad {
  double c;
  int64_t iterations;
  double lr;
  double momentum;
};

/// The weights w of CAGrad's update, w_t = 1/T + λ softmax(z)_t, not rescaled,
/// by the best z of a descent from 0 with momentum, as in the authors' code for
/// reinforcement learning: on the Gramian divided by the squared mean length of
/// the rows, with 1e-4 in every root.
math::Vector softmax_cagrad_weights(
    const math::Matrix& gramian, const SoftmaxCAGrad& descent);

} // namespace polytask::balancing::detail
