// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/jacobian/graddrop.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>

#include <utility>

#include "core/host_value.h"

#include "../checks.h"
#include "../describe.h"
#include "graddrop_mask.h"

namespace polytask::balancing {

GradDrop::GradDrop(GradDropOptions options) : options_(std::move(options)) {
  check_options();
}

const detail::Description& GradDrop::description() {
  using namespace detail;
  static const Description made =
      Describe<GradDropOptions>("graddrop", "GradDrop")
          .option("leak", &GradDropOptions::leak, from_to(0, 1), "ℓ [T]")
          .otherwise("0")
          .unused(
              "f", "graddrop", "TorchJD's function of the purity", "identity")
          .made_of(&GradDrop::options_);
  return made;
}

void GradDrop::check_tasks(int64_t tasks) const {
  if (!options_.leak().empty()) {
    detail::check_one_each(options_.leak(), tasks, name(), "leaks");
  }
}

at::Tensor GradDrop::combine(const at::Tensor& jacobian, const Extras& extras) {
  // 0/0 in a column of zeros keeps nothing.
  const at::Tensor purity =
      0.5 * (1 + jacobian.sum(0) / at::abs(jacobian).sum(0));
  at::Tensor kept =
      detail::graddrop_mask(jacobian, purity, extras, random(), name());
  if (!options_.leak().empty()) {
    const at::Tensor leak = polytask::detail::host_vector(
                                of_present(options_.leak()), jacobian.options())
                                .unsqueeze(1);
    kept = leak + (1 - leak) * kept;
  }
  return (kept * jacobian).sum(0);
}

} // namespace polytask::balancing
