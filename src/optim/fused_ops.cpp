// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fused_ops.h"

#include <c10/util/Exception.h>

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

// Below autograd, which has no part in an update.
void fused_sgd_(FusedCall& call, const torch::optim::SGDOptions& options) {
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
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
      call.key.first_step);
}

void fused_adam_(FusedCall& call, const torch::optim::AdamOptions& options) {
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
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
      /*maximize=*/false);
}

void fused_adam_(FusedCall& call, const torch::optim::AdamWOptions& options) {
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
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
      /*maximize=*/false);
}

#else

bool has_fused_ops() {
  return false;
}

void fused_sgd_(FusedCall&, const torch::optim::SGDOptions&) {
  TORCH_INTERNAL_ASSERT(false);
}

void fused_adam_(FusedCall&, const torch::optim::AdamOptions&) {
  TORCH_INTERNAL_ASSERT(false);
}

void fused_adam_(FusedCall&, const torch::optim::AdamWOptions&) {
  TORCH_INTERNAL_ASSERT(false);
}

#endif

} // namespace polytask::optim::detail
