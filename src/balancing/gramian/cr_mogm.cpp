// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/cr_mogm.h>

#include <cmath>
#include <limits>
#include <utility>

#include "core/host_value.h"

#include "../checks.h"
#include "../extras.h"
#include "../host.h"

namespace polytask::balancing {

CRMOGM::CRMOGM(std::unique_ptr<Balancing> method, CRMOGMOptions options)
    : Cloneable(std::move(method), "cr_mogm"), options_(std::move(options)) {
  detail::check_option(
      options_.alpha() >= 0 && options_.alpha() <= 1,
      name(),
      "an alpha",
      "from 0 to 1",
      options_.alpha());
  buffer("weights");
}

void CRMOGM::check_tasks(int64_t tasks) const {
  if (!options_.initial_weights().empty()) {
    detail::check_preference(
        options_.initial_weights(), tasks, name(), "initial weights", true);
  }
}

math::Vector CRMOGM::averaged(math::Vector weights) {
  const at::Tensor& kept = buffer("weights");
  const math::Vector initial = of_present(options_.initial_weights());
  math::Vector before(weights.size(), std::numeric_limits<double>::quiet_NaN());
  if (kept.defined()) {
    before = detail::host_values(kept, name());
  }
  for (size_t i = 0; i < before.size(); ++i) {
    if (std::isnan(before[i]) && !initial.empty()) {
      before[i] = initial[i];
    }
    if (!std::isnan(before[i])) {
      weights[i] =
          options_.alpha() * before[i] + (1 - options_.alpha()) * weights[i];
    }
  }
  buffer("weights") = polytask::detail::host_vector(weights, at::kDouble);
  return weights;
}

math::Vector CRMOGM::compute(
    const math::Matrix& gramian, const Extras& extras) {
  const at::Tensor given = detail::find_extra(extras, "inner_weights");
  if (!given.defined()) {
    return averaged(inner().solve(gramian, extras));
  }
  auto weights = detail::host_values(given, name() + ": inner_weights");
  detail::check_one_each(weights, tasks(), name(), "inner weights");
  return averaged(std::move(weights));
}

math::Vector CRMOGM::repeated() {
  return averaged(inner().repeat());
}

} // namespace polytask::balancing
