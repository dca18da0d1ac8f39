// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/cagrad.h>

#include <cmath>

#include <polytask/math/conflict_averse.h>

#include "../checks.h"
#include "../describe.h"
#include "quadratic.h"
#include "softmax_cagrad.h"

namespace polytask::balancing {

namespace {

double cagrad_trace(const math::Matrix& gramian) {
  double trace = 0;
  for (int64_t i = 0; i < gramian.size(); ++i) {
    trace += gramian(i, i);
  }
  return trace;
}

// Whether Jᵀ w is 0, to rounding: hardly longer than what the rows' own
// components add to its length.
bool cagrad_is_zero(const detail::SumOfRows& sum) {
  constexpr double kLonger = 8;
  return sum.square <= kLonger * kLonger * sum.own;
}

// 1/T + c |g_0| / |g_w| w.
math::Vector cagrad_weights(
    const math::Matrix& gramian, const CAGradOptions& options) {
  const double c = options.c();
  const auto count = static_cast<size_t>(gramian.size());
  math::Vector mean(count, 1 / static_cast<double>(count));
  math::Vector weights = math::conflict_averse_point(gramian, c);
  const auto sum = detail::sum_of_rows(gramian, weights);
  const double length = sum.length();
  if (options.norm_eps() > 0) {
    const double trace = cagrad_trace(gramian);
    if (trace < options.norm_eps() ||
        length < options.norm_eps() * std::sqrt(trace)) {
      return math::Vector(count, 0.0);
    }
  }
  if (length == 0 ||
      (options.stationary() == CAGradOptions::Stationary::kMean &&
       cagrad_is_zero(sum))) {
    return mean;
  }
  const double factor =
      c * std::sqrt(detail::squared_length(gramian, mean)) / length;
  for (size_t i = 0; i < count; ++i) {
    weights[i] = mean[i] + factor * weights[i];
  }
  return weights;
}

} // namespace

CAGrad::CAGrad(CAGradOptions options) : options_(options) {
  check_options();
}

const detail::Description& CAGrad::description() {
  using namespace detail;
  static const Description made =
      Describe<CAGradOptions>("cagrad", "CAGrad")
          .option(
              "c",
              &CAGradOptions::c,
              at_least(0),
              "the distance, in units of |g_0|")
          .choice<CAGradOptions::Rescale>(
              "rescale",
              &CAGradOptions::rescale,
              {{"none", CAGradOptions::Rescale::kNone},
               {"square", CAGradOptions::Rescale::kSquare},
               {"linear", CAGradOptions::Rescale::kLinear}},
              "divide the update by 1, 1 + c², 1 + c")
          .option(
              "norm_eps",
              &CAGradOptions::norm_eps,
              at_least(0),
              "TorchJD's threshold")
          .choice<CAGradOptions::Stationary>(
              "stationary",
              &CAGradOptions::stationary,
              {{"projection", CAGradOptions::Stationary::kProjection},
               {"mean", CAGradOptions::Stationary::kMean}},
              "the update where no update helps all tasks: the nearest to the "
              "mean that harms none, or the mean")
          .option(
              "iterations",
              &CAGradOptions::iterations,
              at_least(0),
              "points of a descent, in place of the solution")
          .option("lr", &CAGradOptions::lr, at_least(0), "of that descent")
          .option(
              "momentum",
              &CAGradOptions::momentum,
              from_to_below(0, 1),
              "of that descent")
          .as("cagrad_libmtl",
              {{"calpha", "c"}, {"rescale", "rescale"}},
              [](CAGradOptions& options) {
                options.rescale(CAGradOptions::Rescale::kSquare)
                    .stationary(CAGradOptions::Stationary::kMean);
              })
          .as("cagrad_mtrl",
              {{"c", "c"},
               {"iterations", "iterations"},
               {"lr", "lr"},
               {"momentum", "momentum"}},
              [](CAGradOptions& options) {
                options.rescale(CAGradOptions::Rescale::kSquare).iterations(21);
              })
          .made_of(&CAGrad::options_);
  return made;
}

math::Vector CAGrad::compute(
    const math::Matrix& gramian, const Extras& /*extras*/) {
  const double c = options_.c();
  auto weights = options_.iterations() > 0
      ? detail::softmax_cagrad_weights(
            gramian,
            {c, options_.iterations(), options_.lr(), options_.momentum()})
      : cagrad_weights(gramian, options_);
  const auto rescale = options_.rescale();
  if (rescale != CAGradOptions::Rescale::kNone) {
    const double divisor =
        1 + (rescale == CAGradOptions::Rescale::kSquare ? c * c : c);
    for (double& weight : weights) {
      weight /= divisor;
    }
  }
  return weights;
}

} // namespace polytask::balancing
