// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/jacobian/moco.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>

#include <cmath>

#include "core/host_value.h"

#include "../describe.h"
#include "../extras.h"
#include "../host.h"
#include "../softmax.h"
#include "row_lengths.h"

namespace polytask::balancing {

MoCo::MoCo(MoCoOptions options) : options_(options) {
  check_options();
  for (const char* kept : {"tracked", "weights"}) {
    buffer(kept);
  }
}

const detail::Description& MoCo::description() {
  using namespace detail;
  static const Description made =
      Describe<MoCoOptions>("moco", "MoCo")
          .option("beta", &MoCoOptions::beta, from_to(0, 1), "β")
          .or_by("MoCo_beta")
          .option("beta_sigma", &MoCoOptions::beta_sigma, at_least(0), "σ_β")
          .or_by("MoCo_beta_sigma")
          .option("gamma", &MoCoOptions::gamma, at_least(0), "γ")
          .or_by("MoCo_gamma")
          .option("gamma_sigma", &MoCoOptions::gamma_sigma, at_least(0), "σ_γ")
          .or_by("MoCo_gamma_sigma")
          .option("rho", &MoCoOptions::rho, at_least(0), "ρ")
          .or_by("MoCo_rho")
          .made_of(&MoCo::options_);
  return made;
}

void MoCo::start() {
  buffer("weights") =
      at::full({tasks()}, 1 / static_cast<double>(tasks()), at::kDouble);
  KeptRows::start();
}

at::Tensor MoCo::combine(const at::Tensor& jacobian, const Extras& extras) {
  constexpr double kTiny = 1e-8;
  const auto losses = detail::need_losses(extras, tasks(), name());
  at::Tensor& tracked = kept_rows("tracked", jacobian);
  const auto step = count_step() + 1;

  auto factors = detail::host_values(detail::row_lengths(jacobian), name());
  for (size_t task = 0; task < factors.size(); ++task) {
    factors[task] = losses[task] / (factors[task] + kTiny);
  }
  const at::Tensor scaled = jacobian *
      polytask::detail::host_vector(factors, jacobian.options()).unsqueeze(1);
  const auto t = static_cast<double>(step);
  const double beta = options_.beta() * std::pow(t, -options_.beta_sigma());
  tracked = tracked - beta * (tracked - scaled);

  const math::Matrix gramian = detail::host_gramian(tracked);
  const auto before = detail::host_values(buffer("weights"), name());
  const double gamma = options_.gamma() * std::pow(t, -options_.gamma_sigma());
  math::Vector weights = before;
  for (size_t task = 0; task < weights.size(); ++task) {
    double slope = options_.rho() * before[task];
    for (size_t other = 0; other < before.size(); ++other) {
      slope +=
          gramian(static_cast<int64_t>(task), static_cast<int64_t>(other)) *
          before[other];
    }
    weights[task] -= gamma * slope;
  }
  weights = detail::softmax_of(std::move(weights));
  buffer("weights") = polytask::detail::host_vector(weights, at::kDouble);
  return detail::plain_weighted_sum(weights, tracked);
}

} // namespace polytask::balancing
