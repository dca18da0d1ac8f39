// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace polytask::optim::detail {

/// A tensor there; does not wait unless it comes to the host.
at::Tensor moved_to(const at::Device& device, const at::Tensor& tensor);

/// What a scaled step was told, see ScaledStep.
class Scaling {
 public:
  Scaling(at::Tensor grad_scale, at::Tensor found_inf);

  /// Whether the step is to be left out. Waits for the device the first time.
  bool found_inf();
  /// The same without waiting, of shape [].
  at::Tensor found_inf_on(const at::Device& device) const;

  /// Whether gradients are still to be divided.
  bool is_scaled() const {
    return grad_scale_.defined();
  }
  at::Tensor grad_scale_on(const at::Device& device) const;
  /// Divides the gradient if it is still to be divided.
  void unscale_(const at::Tensor& gradient) const;

 private:
  at::Tensor grad_scale_;
  at::Tensor found_inf_;
  std::optional<bool> known_;
};

} // namespace polytask::optim::detail
