// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/scalarization/equal_weights.h>

namespace polytask::balancing {

std::optional<math::Vector> EqualWeights::fixed_weights(
    const Extras& /*extras*/) {
  const double weight =
      options_.mean() ? 1 / static_cast<double>(tasks()) : 1.0;
  return math::Vector(static_cast<size_t>(tasks()), weight);
}

} // namespace polytask::balancing
