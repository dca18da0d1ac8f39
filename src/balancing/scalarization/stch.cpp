// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/scalarization/stch.h>

#include <ATen/TensorOperators.h>

#include <utility>

#include "core/host_value.h"

#include "../checks.h"
#include "../describe.h"
#include "smooth_maximum.h"

namespace polytask::balancing {

STCH::STCH(STCHOptions options) : options_(std::move(options)) {
  check_options();
}

const detail::Description& STCH::description() {
  using namespace detail;
  static const Description made =
      Describe<STCHOptions>("stch", "STCH")
          .option("mu", &STCHOptions::mu, above(0), "in the losses' unit")
          .option("weights", &STCHOptions::weights, at_least(0), "w [T]")
          .otherwise("1/T")
          .option(
              "reference",
              &STCHOptions::reference,
              any_number(),
              "z [T], the ideal point")
          .otherwise("0")
          .also({"scalarizer_stch"})
          .made_of(&STCH::options_);
  return made;
}

void STCH::check_tasks(int64_t tasks) const {
  if (!options_.weights().empty()) {
    detail::check_preference(
        options_.weights(), tasks, name(), "weights", true);
  }
  if (!options_.reference().empty()) {
    detail::check_one_each(options_.reference(), tasks, name(), "references");
  }
}

at::Tensor STCH::value(const at::Tensor& losses, const Extras& /*extras*/) {
  at::Tensor distances = losses;
  if (!options_.reference().empty()) {
    distances = distances -
        polytask::detail::host_vector(
                    of_present(options_.reference()), losses.options());
  }
  distances = options_.weights().empty()
      ? distances / static_cast<double>(tasks())
      : distances *
          polytask::detail::host_vector(
              of_present(options_.weights()), losses.options());
  return detail::smooth_maximum(distances, options_.mu());
}

} // namespace polytask::balancing
