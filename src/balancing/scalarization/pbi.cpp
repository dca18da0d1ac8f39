// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/scalarization/pbi.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/sqrt.h>
#include <c10/util/Exception.h>

#include <numeric>
#include <utility>

#include "core/host_value.h"

#include "../checks.h"
#include "../describe.h"

namespace polytask::balancing {

PBI::PBI(PBIOptions options) : options_(std::move(options)) {
  check_options();
}

const detail::Description& PBI::description() {
  using namespace detail;
  static const Description made =
      Describe<PBIOptions>("pbi", "PBI")
          .option("weights", &PBIOptions::weights, at_least(0), "w [T]")
          .otherwise("1 for each")
          .option("theta", &PBIOptions::theta, at_least(0), "θ")
          .option(
              "reference",
              &PBIOptions::reference,
              any_number(),
              "z [T], the ideal point")
          .otherwise("0")
          .also({"scalarizer_pbi"})
          .made_of(&PBI::options_);
  return made;
}

void PBI::check_tasks(int64_t tasks) const {
  const auto& weights = options_.weights();
  if (!weights.empty()) {
    detail::check_preference(weights, tasks, name(), "weights", true);
    TORCH_CHECK_VALUE(
        std::accumulate(weights.begin(), weights.end(), 0.0) > 0,
        name(),
        ": expected weights that are not all 0.");
  }
  if (!options_.reference().empty()) {
    detail::check_one_each(options_.reference(), tasks, name(), "references");
  }
}

at::Tensor PBI::value(const at::Tensor& losses, const Extras& /*extras*/) {
  constexpr double kSmoothing = 1e-12;
  const auto weights = of_present(options_.weights());
  at::Tensor ray = polytask::detail::host_vector(
      weights.empty() ? std::vector<double>(static_cast<size_t>(tasks()), 1.0)
                      : weights,
      losses.options());
  ray = ray / ray.norm();
  at::Tensor from = losses;
  if (!options_.reference().empty()) {
    from = from -
        polytask::detail::host_vector(
               of_present(options_.reference()), losses.options());
  }
  const at::Tensor along = at::dot(from, ray);
  const at::Tensor off = from - along * ray;
  return along + options_.theta() * at::sqrt(at::dot(off, off) + kSmoothing);
}

} // namespace polytask::balancing
