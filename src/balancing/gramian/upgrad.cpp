// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/upgrad.h>

#include <utility>

#include "dual_cone_of.h"

namespace polytask::balancing {

UPGrad::UPGrad(UPGradOptions options) : options_(std::move(options)) {
  detail::check_dual_cone_options(options_, name());
}

void UPGrad::check_tasks(int64_t tasks) const {
  detail::check_preference_if_any(options_.preference(), tasks, name());
}

math::Vector UPGrad::compute(
    const math::Matrix& gramian, const Extras& /*extras*/) {
  return detail::dual_cone_of(
      math::dual_cone_projection_of_each,
      gramian,
      detail::preference_or_mean(of_present(options_.preference()), tasks()),
      options_);
}

} // namespace polytask::balancing
