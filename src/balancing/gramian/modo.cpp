// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/modo.h>

#include <ATen/ops/full.h>

#include <polytask/math/simplex_projection.h>
#include "core/host_value.h"

#include "../checks.h"
#include "../describe.h"
#include "../host.h"

namespace polytask::balancing {

MoDo::MoDo(MoDoOptions options) : options_(options) {
  check_options();
  buffer("weights");
}

const detail::Description& MoDo::description() {
  using namespace detail;
  static const Description made =
      Describe<MoDoOptions>("modo", "MoDo")
          .option("gamma", &MoDoOptions::gamma, at_least(0), "γ")
          .option(
              "rho",
              &MoDoOptions::rho,
              at_least(0),
              "ρ: how strongly weights are drawn to be equal")
          .made_of(&MoDo::options_);
  return made;
}

void MoDo::start() {
  buffer("weights") =
      at::full({tasks()}, 1 / static_cast<double>(tasks()), at::kDouble);
}

math::Vector MoDo::compute(
    const math::Matrix& gramian, const Extras& /*extras*/) {
  const auto before = detail::host_values(buffer("weights"), name());
  math::Vector weights = before;
  for (size_t i = 0; i < weights.size(); ++i) {
    const auto row = gramian.row(static_cast<int64_t>(i));
    double slope = options_.rho() * before[i];
    for (size_t j = 0; j < before.size(); ++j) {
      slope += row[j] * before[j];
    }
    weights[i] -= options_.gamma() * slope;
  }
  math::project_onto_simplex(weights);
  buffer("weights") = polytask::detail::host_vector(weights, at::kDouble);
  return weights;
}

} // namespace polytask::balancing
