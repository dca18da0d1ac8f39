// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/jacobian/graddrop.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>

#include <utility>

#include "core/host_value.h"

#include "../checks.h"
#include "graddrop_mask.h"

namespace polytask::balancing {

GradDrop::GradDrop(GradDropOptions options) : options_(std::move(options)) {
  for (const double leak : options_.leak()) {
    detail::check_option(
        leak >= 0 && leak <= 1, name(), "a leak", "in [0, 1]", leak);
  }
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
