// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/scalarization/scale_invariant.h>

#include <ATen/TensorOperators.h>

#include <utility>

#include "core/host_value.h"

#include "../checks.h"
#include "../describe.h"

namespace polytask::balancing {

ScaleInvariant::ScaleInvariant(ScaleInvariantOptions options)
    : options_(std::move(options)) {
  check_options();
}

const detail::Description& ScaleInvariant::description() {
  using namespace detail;
  static const Description made =
      Describe<ScaleInvariantOptions>("scale_invariant", "ScaleInvariant")
          .option(
              "weights", &ScaleInvariantOptions::weights, at_least(0), "w [T]")
          .or_by("task_weights")
          .otherwise("1 for each")
          .also({"scale_invariant_ls"})
          .made_of(&ScaleInvariant::options_);
  return made;
}

void ScaleInvariant::check_tasks(int64_t tasks) const {
  if (!options_.weights().empty()) {
    detail::check_preference(
        options_.weights(), tasks, name(), "weights", true);
  }
}

at::Tensor ScaleInvariant::value(
    const at::Tensor& losses, const Extras& /*extras*/) {
  detail::check_losses_above(losses, {0}, name());
  const at::Tensor logs = detail::safe_log(losses);
  if (options_.weights().empty()) {
    return logs.sum();
  }
  return (logs *
          polytask::detail::host_vector(
              of_present(options_.weights()), losses.options()))
      .sum();
}

} // namespace polytask::balancing
