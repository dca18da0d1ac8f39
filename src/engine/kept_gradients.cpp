// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "kept_gradients.h"

#include <ATen/core/grad_mode.h>

#include <utility>

#include "gradient_sum.h"

namespace polytask::detail {

void KeptGradients::take(const Plan& plan) {
  const at::NoGradGuard no_grad;
  kept_.clear();
  for (const auto* parameters : {&plan.held(), &plan.left_out()}) {
    for (const at::Tensor& parameter : *parameters) {
      at::Tensor gradient = std::move(parameter.mutable_grad());
      parameter.mutable_grad().reset();
      if (is_written_ && gradient.defined()) {
        gradient = gradient.clone();
      }
      kept_.push_back({parameter, std::move(gradient)});
    }
  }
  is_written_ = false;
}

void KeptGradients::add() {
  const at::NoGradGuard no_grad;
  for (auto& [parameter, kept] : kept_) {
    at::Tensor& now = parameter.mutable_grad();
    if (!kept.defined()) {
      is_written_ = is_written_ || now.defined();
    } else if (!now.defined()) {
      now = std::move(kept);
    } else {
      now = gradient_sum(std::move(kept), now);
    }
  }
  kept_.clear();
}

void KeptGradients::put_back() {
  for (auto& [parameter, kept] : kept_) {
    parameter.mutable_grad() = std::move(kept);
  }
  kept_.clear();
}

} // namespace polytask::detail
