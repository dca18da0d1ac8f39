// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/scalarization/equal_weights.h>

#include "../describe.h"

namespace polytask::balancing {

const detail::Description& EqualWeights::description() {
  using namespace detail;
  static const Description made =
      Describe<EqualWeightsOptions>("sum", "EqualWeights")
          .flag("mean", &EqualWeightsOptions::mean, "1/T in place of 1")
          .also({"ew", "scalarizer_sum"})
          .also(
              "mean", [](EqualWeightsOptions& options) { options.mean(true); })
          .also(
              "scalarizer_mean",
              [](EqualWeightsOptions& options) { options.mean(true); })
          .made_of(&EqualWeights::options_);
  return made;
}

std::optional<math::Vector> EqualWeights::fixed_weights(
    const Extras& /*extras*/) {
  const double weight =
      options_.mean() ? 1 / static_cast<double>(tasks()) : 1.0;
  return math::Vector(static_cast<size_t>(tasks()), weight);
}

} // namespace polytask::balancing
