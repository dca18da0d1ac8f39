// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/preference.h>

#include <utility>

#include "checks.h"

namespace polytask::balancing {

Preference::Preference(
    std::unique_ptr<Balancing> method, std::vector<double> preferences)
    : Cloneable(std::move(method), "preference"),
      preferences_(std::move(preferences)) {
  detail::check_preference(
      preferences_,
      static_cast<int64_t>(preferences_.size()),
      name(),
      "preferences");
}

void Preference::check_tasks(int64_t tasks) const {
  detail::check_one_each(preferences_, tasks, name(), "preferences");
}

math::Vector Preference::compute(
    const math::Matrix& gramian, const Extras& extras) {
  const auto preferences = of_present(preferences_);
  math::Matrix seen = gramian;
  for (int64_t i = 0; i < seen.size(); ++i) {
    for (int64_t j = 0; j < seen.size(); ++j) {
      seen(i, j) *= preferences[static_cast<size_t>(i)] *
          preferences[static_cast<size_t>(j)];
    }
  }
  return scaled(inner().solve(seen, extras));
}

math::Vector Preference::repeated() {
  return scaled(inner().repeat());
}

math::Vector Preference::scaled(math::Vector weights) const {
  const auto preferences = of_present(preferences_);
  for (size_t task = 0; task < weights.size(); ++task) {
    weights[task] *= preferences[task];
  }
  return weights;
}

} // namespace polytask::balancing
