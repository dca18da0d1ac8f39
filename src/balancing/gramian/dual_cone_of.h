// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <polytask/math/dual_cone.h>

#include "../checks.h"

namespace polytask::balancing::detail {

/// The preferences [T], or 1/T each where they are empty.
inline math::Vector preference_or_mean(
    std::vector<double> preference, int64_t tasks) {
  if (!preference.empty()) {
    return preference;
  }
  return math::Vector(
      static_cast<size_t>(tasks), 1 / static_cast<double>(tasks));
}

inline void check_preference_if_any(
    const std::vector<double>& preference,
    int64_t tasks,
    const std::string& who) {
  if (!preference.empty()) {
    check_preference(preference, tasks, who, "preferences", true);
  }
}

/// The projection that `Options` ask for: exact on the Gramian, or on the
/// regularized one.
template <typename Options>
math::Vector dual_cone_of(
    math::Vector (*project)(const math::Matrix&, std::span<const double>),
    const math::Matrix& gramian,
    const math::Vector& preference,
    const Options& options) {
  if (options.norm_eps() == 0 && options.reg_eps() == 0) {
    return project(gramian, preference);
  }
  return project(
      math::regularize_gramian(
          gramian, {options.norm_eps(), options.reg_eps()}),
      preference);
}

} // namespace polytask::balancing::detail
