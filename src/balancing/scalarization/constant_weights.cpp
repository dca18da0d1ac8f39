// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/scalarization/constant_weights.h>

#include <cmath>
#include <utility>

#include "../checks.h"

namespace polytask::balancing {

ConstantWeights::ConstantWeights(std::vector<double> weights)
    : weights_(std::move(weights)) {
  for (const double weight : weights_) {
    detail::check_option(
        std::isfinite(weight), name(), "weights", "that are finite", weight);
  }
}

void ConstantWeights::check_tasks(int64_t tasks) const {
  detail::check_one_each(weights_, tasks, name(), "weights");
}

std::optional<math::Vector> ConstantWeights::fixed_weights(
    const Extras& /*extras*/) {
  return of_present(weights_);
}

} // namespace polytask::balancing
