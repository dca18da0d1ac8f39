// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/scalarization/cosmos.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cosine_similarity.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/full_like.h>

#include <utility>

#include "core/host_value.h"

#include "../checks.h"
#include "../describe.h"
#include "../extras.h"

namespace polytask::balancing {

COSMOS::COSMOS(COSMOSOptions options) : options_(std::move(options)) {
  check_options();
}

const detail::Description& COSMOS::description() {
  using namespace detail;
  static const Description made =
      Describe<COSMOSOptions>("cosmos", "COSMOS")
          .option("weights", &COSMOSOptions::weights, at_least(0), "r [T]")
          .otherwise("1/T")
          .option(
              "lambda",
              &COSMOSOptions::lambda,
              at_least(0),
              "λ, in the losses' unit")
          .also({"scalarizer_cosmos"})
          .made_of(&COSMOS::options_);
  return made;
}

void COSMOS::check_tasks(int64_t tasks) const {
  if (!options_.weights().empty()) {
    detail::check_preference(
        options_.weights(), tasks, name(), "weights", true);
  }
}

at::Tensor COSMOS::value(const at::Tensor& losses, const Extras& extras) {
  at::Tensor weights = detail::find_extra(extras, "weights");
  if (weights.defined()) {
    weights = weights.to(losses.options());
  } else if (options_.weights().empty()) {
    weights = at::full_like(losses, 1 / static_cast<double>(tasks()));
  } else {
    weights = polytask::detail::host_vector(
        of_present(options_.weights()), losses.options());
  }
  return at::dot(weights, losses) -
      options_.lambda() * at::cosine_similarity(weights, losses, 0, 1e-8);
}

} // namespace polytask::balancing
