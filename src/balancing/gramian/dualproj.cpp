// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/dualproj.h>

#include <utility>

#include "../describe.h"
#include "dual_cone_of.h"

namespace polytask::balancing {

DualProj::DualProj(DualProjOptions options) : options_(std::move(options)) {
  check_options();
}

const detail::Description& DualProj::description() {
  using namespace detail;
  static const Description made =
      Describe<DualProjOptions>("dualproj", "DualProj")
          .option(
              "preference", &DualProjOptions::preference, at_least(0), "p [T]")
          .or_by("pref_vector")
          .otherwise("1/T")

          .option(
              "norm_eps",
              &DualProjOptions::norm_eps,
              at_least(0),
              "1e-4 as TorchJD")
          .option(
              "reg_eps",
              &DualProjOptions::reg_eps,
              at_least(0),
              "1e-4 as TorchJD")
          .made_of(&DualProj::options_);
  return made;
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
