// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <polytask/core/api.h>

namespace polytask::optim {

/// What an optimizer has beside `step` when GradScaler need not wait for a
/// device to know whether it may step: PyTorch's `_step_supports_amp_scaling`.
/// The fused optimizers have it.
class POLYTASK_API ScaledStep {
 public:
  virtual ~ScaledStep() = default;

  /// Steps by the gradients divided by `grad_scale`, which become so divided;
  /// where `found_inf` is 1, changes neither parameters nor state.
  ///
  /// Both are of shape [] and float, on whatever device. `found_inf` is 0 or 1.
  /// An undefined `grad_scale` says that the gradients are divided already.
  virtual void step_scaled(
      const at::Tensor& grad_scale, const at::Tensor& found_inf) = 0;
};

} // namespace polytask::optim
