// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/preference.h>

#include <utility>

#include "checks.h"
#include "describe.h"

namespace polytask::balancing {

namespace {

struct PreferenceSettings {
  std::shared_ptr<Balancing> method;
  std::vector<double> preferences;
};

} // namespace

Preference::Preference(
    std::unique_ptr<Balancing> method, std::vector<double> preferences)
    : Described(std::move(method), "preference"),
      preferences_(std::move(preferences)) {
  check_options();
}

const detail::Description& Preference::description() {
  using namespace detail;
  static const Description made =
      Describe<PreferenceSettings>("preference", "Preference")
          .with_inner("method", "", &PreferenceSettings::method, "the method")
          .option(
              "preferences",
              &PreferenceSettings::preferences,
              above(0),
              "p [T]")
          .required()
          .made_of<Preference>(
              [](const Preference& method) {
                return PreferenceSettings{
                    borrowed(method.inner()), method.preferences_};
              },
              [](PreferenceSettings settings) {
                return std::make_unique<Preference>(
                    settings.method->clone(), std::move(settings.preferences));
              });
  return made;
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
