// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/nash_mtl.h>

#include <ATen/ops/scalar_tensor.h>

#include <cmath>

#include "../checks.h"
#include "../kept_weights.h"
#include "fair_weights.h"
#include "quadratic.h"

namespace polytask::balancing {

NashMTL::NashMTL(NashMTLOptions options) : options_(options) {
  detail::check_option(
      options_.max_norm() >= 0,
      name(),
      "a max_norm",
      "of at least 0",
      options_.max_norm());
  detail::check_option(
      options_.update_weights_every() >= 1,
      name(),
      "update_weights_every",
      "of at least 1",
      static_cast<double>(options_.update_weights_every()));
  if (options_.update_weights_every() > 1) {
    buffer("weights");
    buffer("age");
    buffer("present");
  }
}

detail::KeptWeights NashMTL::kept() {
  return {name(), buffer("weights"), buffer("age"), buffer("present")};
}

void NashMTL::start() {
  if (options_.update_weights_every() > 1) {
    kept().start();
  }
}

math::Vector NashMTL::unclipped(const math::Matrix& gramian) {
  const int64_t every = options_.update_weights_every();
  if (every == 1) {
    return detail::fair_weights(gramian, 1);
  }
  if (detail::KeptWeights::hold(
          buffer("weights"),
          buffer("age"),
          buffer("present"),
          present(),
          every)) {
    return kept().take();
  }
  auto weights = detail::fair_weights(gramian, 1);
  kept().set(weights, present());
  return weights;
}

math::Vector NashMTL::compute(
    const math::Matrix& gramian, const Extras& /*extras*/) {
  auto weights = unclipped(gramian);
  if (options_.max_norm() > 0) {
    const double length = std::sqrt(detail::squared_length(gramian, weights));
    if (length > options_.max_norm()) {
      for (double& weight : weights) {
        weight *= options_.max_norm() / length;
      }
    }
  }
  return weights;
}

} // namespace polytask::balancing
