// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "scaling.h"

#include <utility>

namespace polytask::optim::detail {

at::Tensor moved_to(const at::Device& device, const at::Tensor& tensor) {
  return tensor.to(
      tensor.options().device(device), /*non_blocking=*/!device.is_cpu());
}

Scaling::Scaling(at::Tensor grad_scale, at::Tensor found_inf)
    : grad_scale_(std::move(grad_scale)), found_inf_(std::move(found_inf)) {}

bool Scaling::found_inf() {
  if (!known_) {
    known_ = found_inf_.item<float>() != 0.0F;
  }
  return *known_;
}

at::Tensor Scaling::found_inf_on(const at::Device& device) const {
  return moved_to(device, found_inf_);
}

at::Tensor Scaling::grad_scale_on(const at::Device& device) const {
  return moved_to(device, grad_scale_);
}

void Scaling::unscale_(const at::Tensor& gradient) const {
  if (!is_scaled()) {
    return;
  }
  const at::Tensor values =
      gradient.is_sparse() ? gradient._values() : gradient;
  values.div_(grad_scale_on(values.device()));
}

} // namespace polytask::optim::detail
