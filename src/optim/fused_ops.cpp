// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fused_ops.h"

#include <ATen/ops/_amp_foreach_non_finite_check_and_unscale.h>
#include <ATen/ops/_amp_update_scale.h>
#include <c10/util/Exception.h>

#include <optional>

#if POLYTASK_HAS_FUSED_OPTIMIZERS
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#endif

namespace polytask::optim::detail {

#if POLYTASK_HAS_FUSED_OPTIMIZERS

bool has_fused_ops() {
  return true;
}

namespace {

// The kernels' last two arguments.
struct KernelScaling {
  KernelScaling(const FusedCall& call, const Scaling* scaling) {
    if (!scaling) {
      return;
    }
    if (scaling->is_scaled()) {
      grad_scale = scaling->grad_scale_on(call.key.device);
    }
    if (!call.key.device.is_cpu()) {
      found_inf = scaling->found_inf_on(call.key.device);
    }
  }

  std::optional<at::Tensor> grad_scale;
  std::optional<at::Tensor> found_inf;
};

} // namespace

// Below autograd, which has no part in an update.
void fused_sgd_(
    FusedCall& call,
    const torch::optim::SGDOptions& options,
    const Scaling* scaling) {
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
  const KernelScaling last(call, scaling);
  at::_fused_sgd_(
      call.parameters,
      call.gradients,
      call.state[0],
      options.weight_decay(),
      options.momentum(),
      options.lr(),
      options.dampening(),
      options.nesterov(),
      /*maximize=*/false,
      call.key.first_step,
      last.grad_scale,
      last.found_inf);
}

void fused_adam_(
    FusedCall& call,
    const torch::optim::AdamOptions& options,
    const Scaling* scaling) {
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
  const KernelScaling last(call, scaling);
  at::_fused_adam_(
      call.parameters,
      call.gradients,
      call.state[0],
      call.state[1],
      call.state[2],
      call.state[3],
      options.lr(),
      std::get<0>(options.betas()),
      std::get<1>(options.betas()),
      options.weight_decay(),
      options.eps(),
      options.amsgrad(),
      /*maximize=*/false,
      last.grad_scale,
      last.found_inf);
}

void fused_adam_(
    FusedCall& call,
    const torch::optim::AdamWOptions& options,
    const Scaling* scaling) {
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
  const KernelScaling last(call, scaling);
  at::_fused_adamw_(
      call.parameters,
      call.gradients,
      call.state[0],
      call.state[1],
      call.state[2],
      call.state[3],
      options.lr(),
      std::get<0>(options.betas()),
      std::get<1>(options.betas()),
      options.weight_decay(),
      options.eps(),
      options.amsgrad(),
      /*maximize=*/false,
      last.grad_scale,
      last.found_inf);
}

#else

bool has_fused_ops() {
  return false;
}

void fused_sgd_(FusedCall&, const torch::optim::SGDOptions&, const Scaling*) {
  TORCH_INTERNAL_ASSERT(false);
}

void fused_adam_(FusedCall&, const torch::optim::AdamOptions&, const Scaling*) {
  TORCH_INTERNAL_ASSERT(false);
}

void fused_adam_(
    FusedCall&, const torch::optim::AdamWOptions&, const Scaling*) {
  TORCH_INTERNAL_ASSERT(false);
}

#endif

void check_and_multiply_(
    const std::vector<at::Tensor>& gradients,
    at::Tensor& found_inf,
    const at::Tensor& factor) {
  at::_amp_foreach_non_finite_check_and_unscale_(gradients, found_inf, factor);
}

void update_scale_(
    at::Tensor& scale,
    at::Tensor& growth_tracker,
    const at::Tensor& found_inf,
    double growth_factor,
    double backoff_factor,
    int64_t growth_interval) {
  at::_amp_update_scale_(
      scale,
      growth_tracker,
      found_inf,
      growth_factor,
      backoff_factor,
      growth_interval);
}

} // namespace polytask::optim::detail
