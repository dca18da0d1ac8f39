// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "parameter_obstacle.h"

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>

namespace polytask::detail {

namespace {

bool has_hook(const torch::Tensor& parameter) {
  const auto* meta = torch::autograd::impl::get_autograd_meta(parameter);
  if (meta == nullptr) {
    return false;
  }
  if (!meta->hooks_.empty() || meta->post_acc_grad_hooks_) {
    return true;
  }
  const auto node = torch::autograd::impl::try_get_grad_accumulator(parameter);
  return node &&
      !(node->pre_hooks().empty() && node->post_hooks().empty() &&
        node->tensor_pre_hooks().empty());
}

} // namespace

Obstacle parameter_obstacle(
    const torch::Tensor& parameter,
    at::IntArrayRef shape,
    at::ScalarType type,
    torch::Device device) {
  const bool is_plain = parameter.scalar_type() == type &&
      parameter.device() == device && parameter.sizes() == shape &&
      parameter.is_contiguous() && parameter.is_leaf();
  if (!is_plain) {
    return {
        "a parameter is not a contiguous leaf tensor of its first shape and "
        "dtype on the input's device"};
  }
  if (has_hook(parameter)) {
    return {"a parameter has a hook"};
  }
  return {};
}

} // namespace polytask::detail
