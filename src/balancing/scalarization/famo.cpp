// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/scalarization/famo.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/log.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <cmath>
#include <utility>

#include "core/host_value.h"
#include "core/in_double.h"

#include "../adam.h"
#include "../checks.h"
#include "../describe.h"
#include "../extras.h"
#include "../host.h"
#include "../softmax.h"
#include "../task_labels.h"

namespace polytask::balancing {

namespace {

constexpr double kFamoTiny = 1e-8;

} // namespace

FAMO::FAMO(FAMOOptions options) : options_(std::move(options)) {
  check_options();
  for (const char* kept : {"logits", "mean", "square", "step", "losses"}) {
    buffer(kept);
  }
}

const detail::Description& FAMO::description() {
  using namespace detail;
  static const Description made =
      Describe<FAMOOptions>("famo", "FAMO")
          .option("lr", &FAMOOptions::lr, at_least(0), "of Adam on z")
          .option(
              "weight_decay",
              &FAMOOptions::weight_decay,
              at_least(0),
              "added to z's gradient")
          .option(
              "min_losses",
              &FAMOOptions::min_losses,
              any_number(),
              "b [T]: what the losses can reach")
          .otherwise("0")
          .also({"scalarizer_famo"})
          .made_of(&FAMO::options_);
  return made;
}

void FAMO::start() {
  for (const char* kept : {"logits", "mean", "square"}) {
    buffer(kept) = at::zeros({tasks()}, at::kDouble);
  }
  buffer("step") = at::scalar_tensor(0, at::kLong);
}

void FAMO::check_tasks(int64_t tasks) const {
  if (!options_.min_losses().empty()) {
    detail::check_one_each(options_.min_losses(), tasks, name(), "min_losses");
  }
}

std::vector<double> FAMO::bounds() const {
  return options_.min_losses().empty()
      ? std::vector<double>(static_cast<size_t>(tasks()), 0.0)
      : of_present(options_.min_losses());
}

math::Vector FAMO::log_distances(const at::Tensor& losses) const {
  auto values = detail::host_values(losses, name());
  detail::check_one_each(values, tasks(), name(), "losses");
  auto least = bounds();
  for (double& bound : least) {
    bound -= kFamoTiny;
  }
  detail::check_losses_above(losses, least, name());
  for (size_t task = 0; task < values.size(); ++task) {
    values[task] = std::log(values[task] - least[task]);
  }
  return values;
}

at::Tensor FAMO::value(const at::Tensor& losses, const Extras& extras) {
  auto least = bounds();
  for (double& bound : least) {
    bound -= kFamoTiny;
  }
  detail::check_losses_above(losses, least, name());
  // In double: floats would lose the 1e-8.
  const at::Tensor wide = polytask::detail::in_double(losses);
  const auto options = wide.options().requires_grad(false);
  const at::Tensor distances =
      wide - polytask::detail::host_vector(least, options);
  const at::Tensor shares = polytask::detail::host_vector(
      detail::softmax_of(detail::host_values(buffer("logits"), name())),
      options);
  const at::Tensor scale = 1 / (shares / distances.detach()).sum();
  buffer("losses") = losses.detach().clone();
  const at::Tensor after = detail::find_extra(extras, "losses_after");
  if (after.defined()) {
    observe_after(after);
  }
  return (scale * (shares * at::log(distances)).sum())
      .to(losses.options().requires_grad(false));
}

void FAMO::observe_after(const at::Tensor& losses) {
  TORCH_CHECK_VALUE(
      buffer("losses").defined(),
      name(),
      ": observe_after() needs a step before it.");
  const auto before = log_distances(buffer("losses"));
  const auto after = log_distances(losses);
  for (size_t task = 0; task < after.size(); ++task) {
    TORCH_CHECK_VALUE(
        std::isfinite(after[task]),
        name(),
        ": observe_after() expected finite losses above their bounds, but that "
        "of ",
        detail::task_label(task),
        " is not.");
  }
  auto logits = detail::host_values(buffer("logits"), name());
  auto mean = detail::host_values(buffer("mean"), name());
  auto square = detail::host_values(buffer("square"), name());
  const auto step = buffer("step").item<int64_t>() + 1;
  const auto shares = detail::softmax_of(logits);
  double average = 0;
  for (size_t task = 0; task < shares.size(); ++task) {
    average += shares[task] * (before[task] - after[task]);
  }
  math::Vector gradient(shares.size());
  for (size_t task = 0; task < shares.size(); ++task) {
    gradient[task] = shares[task] * (before[task] - after[task] - average) +
        options_.weight_decay() * logits[task];
  }
  detail::adam_step(options_.lr(), step, gradient, logits, mean, square);
  buffer("logits") = polytask::detail::host_vector(logits, at::kDouble);
  buffer("mean") = polytask::detail::host_vector(mean, at::kDouble);
  buffer("square") = polytask::detail::host_vector(square, at::kDouble);
  buffer("step") = at::scalar_tensor(step, at::kLong);
}

} // namespace polytask::balancing
