// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/sdmgrad.h>

#include <ATen/ops/full.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <polytask/math/simplex_projection.h>
#include "core/host_value.h"

#include "../checks.h"
#include "../describe.h"
#include "../host.h"

namespace polytask::balancing {

SDMGrad::SDMGrad(SDMGradOptions options) : options_(std::move(options)) {
  check_options();
  buffer("simplex_weights");
}

const detail::Description& SDMGrad::description() {
  using namespace detail;
  static const Description made =
      Describe<SDMGradOptions>("sdmgrad", "SDMGrad")
          .option(
              "lr", &SDMGradOptions::lr, at_least(0), "of the inner descent")
          .option(
              "momentum",
              &SDMGradOptions::momentum,
              from_to_below(0, 1),
              "of the inner descent")
          .option(
              "iterations",
              &SDMGradOptions::iterations,
              at_least(1),
              "its steps")
          .or_by("n_iter")
          .option("lambda", &SDMGradOptions::lambda, at_least(0), "λ")
          .option(
              "preference", &SDMGradOptions::preference, at_least(0), "w̃ [T]")
          .or_by("pref_vector")
          .otherwise("1/T")

          .option(
              "eps", &SDMGradOptions::eps, at_least(0), "added to the divisor")
          .as("sdmgrad_libmtl",
              {{"lr", "lr"},
               {"momentum", "momentum"},
               {"SDMGrad_niter", "iterations"},
               {"SDMGrad_lamda", "lambda"}},
              [](SDMGradOptions& options) { options.lr(5).eps(1e-8); })
          .made_of(&SDMGrad::options_);
  return made;
}

void SDMGrad::check_tasks(int64_t tasks) const {
  if (!options_.preference().empty()) {
    detail::check_preference(
        options_.preference(), tasks, name(), "preferences", true);
  }
}

void SDMGrad::start() {
  buffer("simplex_weights") =
      at::full({tasks()}, 1 / static_cast<double>(tasks()), at::kDouble);
}

// Those of the tasks that take part, with the sum of all.
math::Vector SDMGrad::preference() const {
  const auto& all = options_.preference();
  const auto count = static_cast<size_t>(tasks());
  const math::Vector mean(count, 1 / static_cast<double>(count));
  if (all.empty()) {
    return mean;
  }
  math::Vector some = of_present(all);
  if (some.size() == all.size()) {
    return some;
  }
  const double sum = std::accumulate(some.begin(), some.end(), 0.0);
  if (!(sum > 0)) {
    return mean;
  }
  const double factor = std::accumulate(all.begin(), all.end(), 0.0) / sum;
  for (double& value : some) {
    value *= factor;
  }
  return some;
}

void SDMGrad::descend(
    const math::Matrix& products,
    const math::Vector& preference,
    math::Vector& weights) const {
  double length = 0;
  for (int64_t i = 0; i < products.size(); ++i) {
    length += std::sqrt(std::max(products(i, i), 0.0)) /
        static_cast<double>(products.size());
  }
  const double divisor = length * length + options_.eps();
  if (!(divisor > 0)) {
    return;
  }
  math::Vector slopes(weights.size());
  math::Vector velocity(weights.size(), 0.0);
  for (int64_t round = 0; round < options_.iterations(); ++round) {
    for (size_t i = 0; i < weights.size(); ++i) {
      const auto row = products.row(static_cast<int64_t>(i));
      slopes[i] = 0;
      for (size_t j = 0; j < weights.size(); ++j) {
        slopes[i] += row[j] * (weights[j] + options_.lambda() * preference[j]);
      }
    }
    for (size_t i = 0; i < weights.size(); ++i) {
      velocity[i] = options_.momentum() * velocity[i] + slopes[i] / divisor;
      weights[i] -= options_.lr() * velocity[i];
    }
    math::project_onto_simplex(weights);
  }
}

math::Vector SDMGrad::compute(
    const math::Matrix& gramian, const Extras& /*extras*/) {
  const auto preferred = preference();
  auto weights = detail::host_values(buffer("simplex_weights"), name());
  math::project_onto_simplex(weights);
  descend(gramian, preferred, weights);
  buffer("simplex_weights") =
      polytask::detail::host_vector(weights, at::kDouble);
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] = (weights[i] + options_.lambda() * preferred[i]) /
        (1 + options_.lambda());
  }
  return weights;
}

} // namespace polytask::balancing
