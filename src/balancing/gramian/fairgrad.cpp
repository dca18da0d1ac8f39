// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/fairgrad.h>

#include <cmath>

#include "../checks.h"
#include "fair_weights.h"

namespace polytask::balancing {

FairGrad::FairGrad(FairGradOptions options) : options_(options) {
  detail::check_option(
      options_.alpha() >= 0 && std::isfinite(options_.alpha()),
      name(),
      "an alpha",
      "of at least 0",
      options_.alpha());
}

math::Vector FairGrad::compute(
    const math::Matrix& gramian, const Extras& /*extras*/) {
  if (options_.alpha() == 0) {
    const auto count = static_cast<size_t>(gramian.size());
    return math::Vector(count, 1 / static_cast<double>(count));
  }
  return detail::fair_weights(gramian, options_.alpha());
}

} // namespace polytask::balancing
