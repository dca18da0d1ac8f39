// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/loss_balancing.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/ones.h>
#include <c10/core/AutogradState.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "core/host_value.h"

#include "extras.h"
#include "host.h"
#include "task_labels.h"

namespace polytask::balancing {

namespace {

void check_losses(const at::Tensor& losses, const std::string& who) {
  TORCH_CHECK_VALUE(
      losses.defined() && losses.dim() == 1 && losses.is_floating_point(),
      who,
      ": expected floating-point losses [T], but got ",
      losses.defined() ? c10::str(losses.toString(), " ", losses.sizes())
                       : "an undefined tensor",
      ".");
  if (!losses.device().is_cpu()) {
    return;
  }
  const auto values = detail::host_values(losses, who);
  for (size_t task = 0; task < values.size(); ++task) {
    TORCH_CHECK_VALUE(
        std::isfinite(values[task]),
        who,
        ": the loss of ",
        detail::task_label(task),
        " is ",
        values[task],
        ".");
  }
}

// So that a large weight does not become infinite.
at::Tensor within_half(const at::Tensor& weights) {
  constexpr double kLargest = 65504;
  return weights.clamp(-kLargest, kLargest);
}

// Half precision has neither the range nor the digits for logarithms, squares
// and quotients of losses.
at::Tensor computed_in(const at::Tensor& losses) {
  const auto dtype = losses.scalar_type();
  if (dtype != at::kHalf && dtype != at::kBFloat16) {
    return losses;
  }
  at::Tensor wide = losses.to(at::kFloat);
  if (dtype == at::kHalf && wide.requires_grad()) {
    wide.register_hook(
        [](const at::Tensor& gradient) { return within_half(gradient); });
  }
  return wide;
}

} // namespace

at::Tensor LossBalancing::scalarize(
    const at::Tensor& losses, const Extras& extras) {
  check_losses(losses, name());
  prepare(losses.size(0));
  return value(computed_in(losses), extras);
}

at::Tensor LossBalancing::weights(
    const at::Tensor& losses, const Extras& extras) {
  check_losses(losses, name());
  prepare(losses.size(0));
  if (const auto fixed = fixed_weights(extras)) {
    return polytask::detail::host_vector(*fixed, losses.options());
  }
  at::AutoGradMode with_gradients(true);
  const at::Tensor leaf = computed_in(losses.detach()).requires_grad_();
  const at::Tensor scalar = scalarize(leaf, extras);
  if (!scalar.requires_grad()) {
    return at::Tensor(losses).detach().new_zeros(losses.sizes());
  }
  const at::Tensor found = torch::autograd::grad({scalar}, {leaf})[0];
  return losses.scalar_type() == at::kHalf ? within_half(found).to(at::kHalf)
                                           : found.to(losses.scalar_type());
}

at::Tensor LossBalancing::value(
    const at::Tensor& losses, const Extras& extras) {
  const auto fixed = fixed_weights(extras);
  TORCH_INTERNAL_ASSERT(fixed, name(), " has neither a value nor weights");
  return (polytask::detail::host_vector(*fixed, losses.options()) * losses)
      .sum();
}

std::optional<math::Vector> LossBalancing::fixed_weights(
    const Extras& /*extras*/) {
  return std::nullopt;
}

at::Tensor LossBalancing::direction(
    const at::Tensor& jacobian, const Extras& extras) {
  detail::check_jacobian(jacobian, name());
  detail::check_finite_rows(jacobian, name());
  at::Tensor losses = detail::find_extra(extras, "losses");
  if (!losses.defined()) {
    losses = at::ones({jacobian.size(0)}, jacobian.options());
  }
  const at::Tensor rows = jacobian.detach().flatten(1);
  const at::Tensor factors = weights(losses, extras).to(rows.options());
  return at::mv(rows.t(), factors).reshape(jacobian.sizes().slice(1));
}

} // namespace polytask::balancing
