// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/nash_mtl.h>

#include <ATen/ops/scalar_tensor.h>

#include <cmath>

#include "../checks.h"
#include "../describe.h"
#include "fair_weights.h"
#include "quadratic.h"

namespace polytask::balancing {

NashMTL::NashMTL(NashMTLOptions options) : options_(options) {
  check_options();
  if (options_.update_weights_every() > 1) {
    keep_weights();
  }
}

const detail::Description& NashMTL::description() {
  using namespace detail;
  static const Description made =
      Describe<NashMTLOptions>("nash_mtl", "NashMTL")
          .option(
              "max_norm",
              &NashMTLOptions::max_norm,
              at_least(0),
              "the largest length of the update; 0 for none")
          .option(
              "update_weights_every",
              &NashMTLOptions::update_weights_every,
              at_least(1),
              "steps that weights hold")
          .unused(
              "optim_niter",
              "nash_mtl",
              "the rounds of the other libraries' solver; changes nothing")
          .made_of(&NashMTL::options_);
  return made;
}

void NashMTL::start() {
  if (options_.update_weights_every() > 1) {
    start_weights();
  }
}

math::Vector NashMTL::unclipped(const math::Matrix& gramian) {
  const int64_t every = options_.update_weights_every();
  if (every == 1) {
    return detail::fair_weights(gramian, 1);
  }
  if (has_weights(every)) {
    return take_weights();
  }
  auto weights = detail::fair_weights(gramian, 1);
  set_weights(weights);
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
