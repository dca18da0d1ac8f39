// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/mgda.h>

#include <cmath>

#include <polytask/math/min_norm_point.h>

#include "../checks.h"
#include "../extras.h"
#include "frank_wolfe.h"
#include "pair_descent.h"

namespace polytask::balancing {

using Normalization = MGDAOptions::Normalization;

MGDA::MGDA(MGDAOptions options) : options_(options) {
  detail::check_option(
      options_.epsilon() >= 0,
      name(),
      "an epsilon",
      "of at least 0",
      options_.epsilon());
  detail::check_option(
      options_.max_iters() >= 1,
      name(),
      "max_iters",
      "of at least 1",
      static_cast<double>(options_.max_iters()));
}

bool MGDA::wants_losses() const {
  return options_.normalization() == Normalization::kLoss ||
      options_.normalization() == Normalization::kLossAndLength;
}

math::Vector MGDA::divisors(
    const math::Matrix& gramian, const Extras& extras) const {
  math::Vector divisors(static_cast<size_t>(gramian.size()), 1.0);
  if (wants_losses()) {
    divisors = detail::need_losses(extras, gramian.size(), name());
    detail::check_preference(divisors, gramian.size(), name(), "losses");
  }
  if (options_.normalization() != Normalization::kLoss) {
    for (int64_t i = 0; i < gramian.size(); ++i) {
      // A zero row stays one.
      divisors[static_cast<size_t>(i)] *=
          gramian(i, i) > 0 ? std::sqrt(gramian(i, i)) : 1;
    }
  }
  return divisors;
}

math::Vector MGDA::shortest(const math::Matrix& gramian) const {
  switch (options_.solver()) {
    case MGDAOptions::Solver::kFrankWolfe:
      return detail::frank_wolfe_weights(
          gramian, options_.epsilon(), options_.max_iters());
    case MGDAOptions::Solver::kPairs:
      return detail::pair_descent_weights(gramian);
    default:
      return math::min_norm_point(gramian);
  }
}

math::Vector MGDA::compute(const math::Matrix& gramian, const Extras& extras) {
  if (options_.normalization() == Normalization::kNone) {
    return shortest(gramian);
  }
  const auto by = divisors(gramian, extras);
  math::Matrix divided = gramian;
  for (int64_t i = 0; i < gramian.size(); ++i) {
    for (int64_t j = 0; j < gramian.size(); ++j) {
      divided(i, j) = gramian(i, j) / by[static_cast<size_t>(i)] /
          by[static_cast<size_t>(j)];
    }
  }
  auto weights = shortest(divided);
  for (size_t i = 0; options_.combine_normalized() && i < weights.size(); ++i) {
    weights[i] /= by[i];
  }
  return weights;
}

} // namespace polytask::balancing
