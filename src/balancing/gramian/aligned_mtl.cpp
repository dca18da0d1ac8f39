// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/aligned_mtl.h>

#include <cmath>

#include <polytask/math/symmetric_eigen.h>

#include "../checks.h"
#include "../describe.h"

namespace polytask::balancing {

namespace {

// Of eigenvalues in ascending order, from `first` on.
double aligned_mtl_scale(
    const math::Vector& values, size_t first, AlignedMTLOptions::Scale scale) {
  if (scale == AlignedMTLOptions::Scale::kSmallest) {
    return values[first];
  }
  const size_t count = values.size() - first;
  if (scale == AlignedMTLOptions::Scale::kMedian) {
    return values[first + (count - 1) / 2];
  }
  double sum = 0;
  for (size_t k = first; k < values.size(); ++k) {
    sum += values[k];
  }
  return sum / static_cast<double>(count);
}

} // namespace

const detail::Description& AlignedMTL::description() {
  using namespace detail;
  static const Description made =
      Describe<AlignedMTLOptions>("aligned_mtl", "AlignedMTL")
          .choice<AlignedMTLOptions::Scale>(
              "scale",
              &AlignedMTLOptions::scale,
              {{"min", AlignedMTLOptions::Scale::kSmallest},
               {"median", AlignedMTLOptions::Scale::kMedian},
               {"rmse", AlignedMTLOptions::Scale::kRootMeanSquare}},
              "which of the singular values all become")
          .or_by("scale_mode")
          .option(
              "preference",
              &AlignedMTLOptions::preference,
              at_least(0),
              "p [T]")
          .or_by("pref_vector")
          .otherwise("1/T, or 1 with `sum`")

          .flag(
              "sum",
              &AlignedMTLOptions::sum,
              "p = 1 for each where none is given")
          .as("aligned_mtl_libmtl",
              {},
              [](AlignedMTLOptions& options) { options.sum(true); })
          .made_of(&AlignedMTL::options_);
  return made;
}

void AlignedMTL::check_tasks(int64_t tasks) const {
  if (!options_.preference().empty()) {
    detail::check_preference(
        options_.preference(), tasks, name(), "preferences", true);
  }
}

math::Vector AlignedMTL::compute(
    const math::Matrix& gramian, const Extras& /*extras*/) {
  const auto count = static_cast<size_t>(gramian.size());
  const math::Vector preference = options_.preference().empty()
      ? math::Vector(count, options_.sum() ? 1 : 1 / static_cast<double>(count))
      : of_present(options_.preference());
  const auto eigen = math::symmetric_eigen(gramian);
  // Twice the rounding is double's epsilon, as in the authors' rule.
  const double cutoff =
      eigen.values.back() * static_cast<double>(count) * 2 * gramian.rounding();
  size_t first = 0;
  while (first < count && !(eigen.values[first] > cutoff)) {
    ++first;
  }
  if (first == count) {
    return preference;
  }
  const double scale = aligned_mtl_scale(eigen.values, first, options_.scale());
  math::Vector weights(count, 0.0);
  for (size_t k = first; k < count; ++k) {
    const auto column = static_cast<int64_t>(k);
    double share = 0;
    for (size_t i = 0; i < count; ++i) {
      share += eigen.vectors(static_cast<int64_t>(i), column) * preference[i];
    }
    share *= std::sqrt(scale / eigen.values[k]);
    for (size_t i = 0; i < count; ++i) {
      weights[i] += share * eigen.vectors(static_cast<int64_t>(i), column);
    }
  }
  return weights;
}

} // namespace polytask::balancing
