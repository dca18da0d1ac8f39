// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/gradnorm.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "core/host_value.h"

#include "../checks.h"
#include "../describe.h"
#include "../extras.h"
#include "../host.h"
#include "../softmax.h"

namespace polytask::balancing {

GradNorm::GradNorm(GradNormOptions options) : options_(options) {
  check_options();
  for (const char* kept :
       {"loss_scale", "initial_losses", "loss_sums", "steps"}) {
    buffer(kept);
  }
}

const detail::Description& GradNorm::description() {
  using namespace detail;
  static const Description made =
      Describe<GradNormOptions>("gradnorm", "GradNorm")
          .option("alpha", &GradNormOptions::alpha, at_least(0), "α")
          .option(
              "loss_scale_lr",
              &GradNormOptions::loss_scale_lr,
              at_least(0),
              "of the logits' descent")
          .made_of(&GradNorm::options_);
  return made;
}

void GradNorm::start() {
  buffer("loss_scale") = at::ones({tasks()}, at::kDouble);
  buffer("loss_sums") = at::zeros({tasks()}, at::kDouble);
  buffer("steps") = at::zeros({tasks()}, at::kDouble);
}

// The first epoch ends once every task took part in it.
void GradNorm::end_epoch() {
  if (tasks() == 0 || buffer("initial_losses").defined()) {
    return;
  }
  const at::Tensor& steps = buffer("steps");
  if (steps.min().item<double>() > 0) {
    buffer("initial_losses") = buffer("loss_sums") / steps;
  }
}

void GradNorm::collect(const math::Vector& losses) {
  buffer("loss_sums") =
      buffer("loss_sums") + polytask::detail::host_vector(losses, at::kDouble);
  buffer("steps") = buffer("steps") + 1;
}

// r_k.
math::Vector GradNorm::rates(
    const math::Vector& losses, const math::Vector& initial) const {
  detail::check_preference(losses, tasks(), name(), "losses", true);
  detail::check_preference(initial, tasks(), name(), "initial losses");
  math::Vector rates(losses.size());
  double mean = 0;
  for (size_t i = 0; i < losses.size(); ++i) {
    rates[i] = losses[i] / initial[i];
    mean += rates[i] / static_cast<double>(losses.size());
  }
  for (double& rate : rates) {
    rate = mean > 0 ? rate / mean : 1;
  }
  return rates;
}

math::Vector GradNorm::compute(
    const math::Matrix& gramian, const Extras& extras) {
  const auto losses = detail::need_losses(extras, tasks(), name());
  at::Tensor initial = detail::find_extra(extras, "initial_losses");
  if (!initial.defined()) {
    initial = buffer("initial_losses");
  }
  if (!initial.defined()) {
    collect(losses);
    return math::Vector(losses.size(), 1.0);
  }
  const auto targets = rates(losses, detail::host_values(initial, name()));
  auto logits = detail::host_values(buffer("loss_scale"), name());
  const auto count = static_cast<double>(logits.size());
  auto weights = detail::softmax_of(logits);
  double mean = 0;
  math::Vector lengths(weights.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    const auto task = static_cast<int64_t>(i);
    weights[i] *= count;
    lengths[i] = std::sqrt(gramian(task, task)) * weights[i];
    mean += lengths[i] / count;
  }
  // Each n_k with the sign of its difference from the target.
  double sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const double target = mean * std::pow(targets[i], options_.alpha());
    const double sign = lengths[i] > target ? 1 : lengths[i] < target ? -1 : 0;
    lengths[i] *= sign;
    sum += lengths[i];
  }
  for (size_t i = 0; i < weights.size(); ++i) {
    logits[i] -=
        options_.loss_scale_lr() * (lengths[i] - weights[i] * sum / count);
  }
  buffer("loss_scale") = polytask::detail::host_vector(logits, at::kDouble);
  return weights;
}

} // namespace polytask::balancing
