// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/mgda.h>

#include <algorithm>
#include <cmath>

#include <polytask/math/min_norm_point.h>

#include "../checks.h"
#include "../describe.h"
#include "../extras.h"
#include "frank_wolfe.h"
#include "pair_descent.h"

namespace polytask::balancing {

using Normalization = MGDAOptions::Normalization;

MGDA::MGDA(MGDAOptions options) : options_(options) {
  check_options();
}

const detail::Description& MGDA::description() {
  using namespace detail;
  static const Description made =
      Describe<MGDAOptions>("mgda", "MGDA")
          .choice<MGDAOptions::Solver>(
              "solver",
              &MGDAOptions::solver,
              {{"exact", MGDAOptions::Solver::kExact},
               {"frank_wolfe", MGDAOptions::Solver::kFrankWolfe},
               {"pairs", MGDAOptions::Solver::kPairs}},
              "by name, `epsilon` or `max_iters` without it mean Frank-Wolfe")
          .option(
              "epsilon",
              &MGDAOptions::epsilon,
              at_least(0),
              "Frank-Wolfe's last step")
          .option(
              "max_iters",
              &MGDAOptions::max_iters,
              at_least(1),
              "Frank-Wolfe's steps")
          .choice<MGDAOptions::Normalization>(
              "normalization",
              &MGDAOptions::normalization,
              {{"none", MGDAOptions::Normalization::kNone},
               {"l2", MGDAOptions::Normalization::kLength},
               {"loss", MGDAOptions::Normalization::kLoss},
               {"loss+", MGDAOptions::Normalization::kLossAndLength}},
              "divide each gradient before by nothing, its length, loss, both")
          .or_by("mgda_gn")
          .flag(
              "combine_normalized",
              &MGDAOptions::combine_normalized,
              "apply the weights to the divided gradients")
          .as("mgda_libmtl",
              {{"mgda_gn", "normalization"}},
              [](MGDAOptions& options) {
                options.solver(MGDAOptions::Solver::kPairs)
                    .combine_normalized(true);
              })
          .completed_by(
              [](MGDAOptions& options, const std::vector<std::string>& given) {
                const auto has = [&](const char* option) {
                  return std::find(given.begin(), given.end(), option) !=
                      given.end();
                };
                if (!has("solver") && (has("epsilon") || has("max_iters"))) {
                  options.solver(MGDAOptions::Solver::kFrankWolfe);
                }
              })
          .made_of(&MGDA::options_);
  return made;
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
