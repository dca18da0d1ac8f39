// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/fairgrad.h>

#include <cmath>

#include "../checks.h"
#include "../describe.h"
#include "fair_weights.h"

namespace polytask::balancing {

FairGrad::FairGrad(FairGradOptions options) : options_(options) {
  check_options();
}

const detail::Description& FairGrad::description() {
  using namespace detail;
  static const Description made =
      Describe<FairGradOptions>("fairgrad", "FairGrad")
          .option("alpha", &FairGradOptions::alpha, at_least(0), "α")
          .made_of(&FairGrad::options_);
  return made;
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
