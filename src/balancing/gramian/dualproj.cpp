// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/dualproj.h>

#include <utility>

#include "dual_cone_of.h"

namespace polytask::balancing {

DualProj::DualProj(DualProjOptions options) : options_(std::move(options)) {
  detail::check_dual_cone_options(options_, name());
}

void DualProj::check_tasks(int64_t tasks) const {
  detail::check_preference_if_any(options_.preference(), tasks, name());
}

math::Vector DualProj::compute(
    const math::Matrix& gramian, const Extras& /*extras*/) {
  return detail::dual_cone_of(
      math::dual_cone_projection,
      gramian,
      detail::preference_or_mean(of_present(options_.preference()), tasks()),
      options_);
}

} // namespace polytask::balancing
