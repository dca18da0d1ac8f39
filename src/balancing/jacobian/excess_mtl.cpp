// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/jacobian/excess_mtl.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>

#include "core/host_value.h"
#include "core/in_double.h"

#include "../checks.h"
#include "../describe.h"
#include "../host.h"
#include "../softmax.h"

namespace polytask::balancing {

namespace {

constexpr double kExcessTiny = 1e-7;

} // namespace

ExcessMTL::ExcessMTL(ExcessMTLOptions options) : options_(options) {
  check_options();
  for (const char* kept : {"squares", "baseline", "weights"}) {
    buffer(kept);
  }
}

const detail::Description& ExcessMTL::description() {
  using namespace detail;
  static const Description made =
      Describe<ExcessMTLOptions>("excess_mtl", "ExcessMTL")
          .option("step_size", &ExcessMTLOptions::step_size, at_least(0), "η")
          .or_by("robust_step_size")
          .option(
              "warmup_steps",
              &ExcessMTLOptions::warmup_steps,
              at_least(0),
              "TorchJD's: so many steps with equal weights, b their mean")
          .or_by("n_warmup_steps")
          .otherwise("none")
          .flag(
              "sum_to_tasks",
              &ExcessMTLOptions::sum_to_tasks,
              "weights of the sum T")
          .as("excess_mtl_libmtl",
              {{"robust_step_size", "step_size"}},
              [](ExcessMTLOptions& options) { options.sum_to_tasks(true); })
          .made_of(&ExcessMTL::options_);
  return made;
}

void ExcessMTL::start() {
  const double total =
      options_.sum_to_tasks() ? static_cast<double>(tasks()) : 1;
  buffer("weights") =
      at::full({tasks()}, total / static_cast<double>(tasks()), at::kDouble);
  buffer("baseline") = at::zeros({tasks()}, at::kDouble);
  KeptRows::start();
}

math::Vector ExcessMTL::excess_risks(const at::Tensor& jacobian) {
  at::Tensor& squares = kept_rows("squares", jacobian);
  const at::Tensor now = jacobian * jacobian;
  const at::Tensor sums = squares + now;
  const at::Tensor shares =
      polytask::detail::where_double_is(now / at::sqrt(sums + kExcessTiny));
  auto risks = detail::host_values(shares.sum(1, false, at::kDouble), name());
  for (size_t task = 0; task < risks.size(); ++task) {
    TORCH_CHECK_VALUE(
        std::isfinite(risks[task]),
        name(),
        ": the squares of the gradient of task ",
        task,
        " are too large for ",
        jacobian.scalar_type(),
        ".");
  }
  squares = sums;
  return risks;
}

/// By the baselines; empty where the weights stay.
math::Vector ExcessMTL::relative(const math::Vector& risks) {
  auto baseline = detail::host_values(buffer("baseline"), name());
  const auto step = count_step();
  const int64_t warmup = options_.warmup_steps().value_or(0);
  const bool is_torchjd = options_.warmup_steps().has_value();
  math::Vector quotients(risks.size(), 0.0);
  for (size_t task = 0; task < risks.size(); ++task) {
    if (is_torchjd && step < warmup) {
      baseline[task] += risks[task] / static_cast<double>(warmup);
    } else if (is_torchjd && step == 0) {
      quotients[task] = baseline[task] = risks[task];
    } else if (is_torchjd) {
      quotients[task] = risks[task] / (baseline[task] + kExcessTiny);
    } else if (baseline[task] == 0) {
      baseline[task] = risks[task];
    } else {
      quotients[task] = risks[task] / baseline[task];
    }
  }
  buffer("baseline") = polytask::detail::host_vector(baseline, at::kDouble);
  return quotients;
}

at::Tensor ExcessMTL::combine(
    const at::Tensor& jacobian, const Extras& /*extras*/) {
  const auto quotients = relative(excess_risks(jacobian));
  // In the logarithm, so that no weight overflows; one that vanishes stays at
  // the smallest number.
  auto weights = detail::host_values(buffer("weights"), name());
  double total = 0;
  for (size_t task = 0; task < weights.size(); ++task) {
    total += weights[task];
    weights[task] = std::log(std::max(weights[task], 1e-300)) +
        std::clamp(options_.step_size() * quotients[task], -1e300, 1e300);
  }
  weights = detail::softmax_of(std::move(weights));
  for (double& weight : weights) {
    weight *= total;
  }
  buffer("weights") = polytask::detail::host_vector(weights, at::kDouble);
  return detail::plain_weighted_sum(weights, jacobian);
}

} // namespace polytask::balancing
