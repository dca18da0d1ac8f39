// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "balancing_checks.h"

#include <algorithm>

namespace polytask::detail {

using balancing::Reads;

namespace {

void check_route(Route wanted, const balancing::Balancing& method) {
  TORCH_CHECK_VALUE(
      wanted != Route::kStackedHeads && wanted != Route::kLinearProgram &&
          wanted != Route::kTrunkProgram,
      "training: the route '",
      to_string(wanted),
      "' is none for steps with a balancing.");
  TORCH_CHECK_VALUE(
      method.reads() != Reads::kLosses || wanted == Route::kAuto ||
          wanted == Route::kAutograd || wanted == Route::kLayers,
      "training: the balancing '",
      method.name(),
      "' reads losses and needs no gradient of a single task, which the route "
      "'",
      to_string(wanted),
      "' is for.");
  TORCH_CHECK_VALUE(
      method.reads() == Reads::kLosses || wanted != Route::kLayers,
      "training: the balancing '",
      method.name(),
      "' reads gradients of single tasks, which the route 'layers' does not "
      "compute.");
}

void check_devices(
    const std::vector<torch::Tensor>& shared, const std::string& method) {
  for (const auto& parameter : shared) {
    TORCH_CHECK_VALUE(
        parameter.device() == shared.front().device(),
        "training: the balancing '",
        method,
        "' combines gradients on one device, but shared parameters are on ",
        shared.front().device(),
        " and on ",
        parameter.device(),
        ".");
  }
}

} // namespace

void check_balancing(const StepContext& context) {
  const auto& method = *context.options.balancing();
  TORCH_CHECK_VALUE(
      !context.options.grad_scaler() ||
          (method.reads() != Reads::kBilevel && method.batches() == 1),
      "training: the balancing '",
      method.name(),
      "' takes several batches in a step, which a grad_scaler cannot scale.");
  if (method.reads() == Reads::kBilevel) {
    return; // its route has checks of its own
  }
  TORCH_CHECK_VALUE(
      method.reads() == Reads::kLosses ||
          !context.model->shared_parameters().empty(),
      "training: the balancing '",
      method.name(),
      "' weighs gradients for shared parameters, but these tasks share none.");
  TORCH_CHECK_VALUE(
      !method.wants_representation(),
      "training: the balancing '",
      method.name(),
      "' is one of gradients for a representation, which a step does not hand "
      "over; call its direction() in a loop of your own.");
  check_route(context.options.route(), method);
}

void check_still_prepared(const StepContext& context) {
  auto& method = *context.options.balancing();
  method.prepare(context.model->size());
  const auto learned = method.parameters();
  const auto& known = context.method_parameters;
  TORCH_CHECK_VALUE(
      std::equal(
          learned.begin(),
          learned.end(),
          known.begin(),
          known.end(),
          [](const auto& a, const auto& b) { return a.is_same(b); }),
      "training: the balancing '",
      method.name(),
      "' was reset and has other parameters than the optimizer holds; make a "
      "new training.");
  if (method.reads() != Reads::kLosses) {
    check_devices(context.plan().shared(), method.name());
  }
}

void check_batches(const StepContext& context, int64_t batches) {
  const auto& method = *context.options.balancing();
  TORCH_CHECK_VALUE(
      method.batches() == batches,
      "training: the balancing '",
      method.name(),
      "' needs ",
      method.batches(),
      " batches for each step",
      batches == 1 ? "; call step({batch, ...})."
                   : c10::str(", but got ", batches, "."));
}

} // namespace polytask::detail
