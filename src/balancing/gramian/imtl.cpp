// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/imtl.h>

#include <ATen/ops/full.h>

#include <algorithm>
#include <cmath>

#include "core/host_value.h"

#include "../checks.h"
#include "../describe.h"
#include "../extras.h"
#include "../host.h"
#include "equal_projections.h"
#include "quadratic.h"

namespace polytask::balancing {

IMTL::IMTL(IMTLOptions options) : options_(options) {
  check_options();
  buffer("loss_scale");
}

const detail::Description& IMTL::description() {
  using namespace detail;
  static const Description made =
      Describe<IMTLOptions>("imtl", "IMTL")
          .option(
              "initial", &IMTLOptions::initial, any_number(), "where s starts")
          .or_by("initial loss_scale")
          .option(
              "loss_scale_lr",
              &IMTLOptions::loss_scale_lr,
              at_least(0),
              "of the scales' descent")
          .also({"imtl_libmtl"})
          .made_of(&IMTL::options_);
  return made;
}

void IMTL::start() {
  buffer("loss_scale") = at::full({tasks()}, options_.initial(), at::kDouble);
}

math::Vector IMTL::compute(const math::Matrix& gramian, const Extras& extras) {
  const auto losses = detail::need_losses(extras, tasks(), name());
  detail::check_preference(losses, tasks(), name(), "losses", true);
  const at::Tensor given = detail::find_extra(extras, "loss_scale");
  auto scales = detail::host_values(
      given.defined() ? given : buffer("loss_scale"), name());
  detail::check_one_each(scales, tasks(), name(), "scales");

  // On rows exp(s_k) g_k the weights are those on g_k divided by exp(s_k), up
  // to their sum, so that w_k exp(s_k) is in proportion to the latter.
  auto weights = detail::equal_projection_weights(gramian);
  const double largest = *std::max_element(scales.begin(), scales.end());
  double sum = 0;
  double magnitude = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const double part = weights[i] * std::exp(largest - scales[i]);
    sum += part;
    magnitude += std::abs(part);
  }
  const double factor = magnitude > 0
      ? std::exp(largest) / magnitude *
          detail::inverse_of_sum(
              sum / magnitude, 1, math::own_component(gramian))
      : 0;
  for (double& weight : weights) {
    weight *= factor;
  }

  for (size_t i = 0; i < scales.size(); ++i) {
    const double scaled = std::exp(scales[i]) * losses[i];
    scales[i] -=
        options_.loss_scale_lr() * (scaled - 1) / std::max(scaled, 1.0);
  }
  buffer("loss_scale") = polytask::detail::host_vector(scales, at::kDouble);
  return weights;
}

} // namespace polytask::balancing
