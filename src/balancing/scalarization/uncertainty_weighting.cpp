// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/scalarization/uncertainty_weighting.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/full.h>

#include "../describe.h"
#include "../extras.h"

namespace polytask::balancing {

UncertaintyWeighting::UncertaintyWeighting(UncertaintyWeightingOptions options)
    : options_(options) {
  check_options();
  buffer("log_var");
}

const detail::Description& UncertaintyWeighting::description() {
  using namespace detail;
  static const Description made =
      Describe<UncertaintyWeightingOptions>(
          "uncertainty_weighting", "UncertaintyWeighting")
          .option(
              "initial",
              &UncertaintyWeightingOptions::initial,
              any_number(),
              "where s starts")
          .or_by("initial log_var")
          .also({"uw", "scalarizer_uw"})
          .as("uw_libmtl",
              {{"initial loss_scale", "initial"}},
              [](UncertaintyWeightingOptions& options) {
                options.initial(-0.5);
              })
          .made_of(&UncertaintyWeighting::options_);
  return made;
}

std::vector<at::Tensor> UncertaintyWeighting::parameters() const {
  if (tasks() == 0) {
    return {};
  }
  return {buffer("log_var")};
}

void UncertaintyWeighting::start() {
  buffer("log_var") =
      at::full({tasks()}, options_.initial(), at::kDouble).requires_grad_();
}

at::Tensor UncertaintyWeighting::value(
    const at::Tensor& losses, const Extras& extras) {
  at::Tensor log_var = detail::find_extra(extras, "log_var");
  if (!log_var.defined()) {
    log_var = detail::find_extra(extras, "loss_scale");
  }
  if (!log_var.defined()) {
    log_var = buffer("log_var");
  }
  log_var = log_var.to(losses.options());
  return (0.5 * at::exp(-log_var) * losses + 0.5 * log_var).sum();
}

} // namespace polytask::balancing
