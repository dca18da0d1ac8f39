// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "linear_layer.h"

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/nn/modules/linear.h>

#include <typeinfo>

#include <polytask/task/linear_task.h>

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

bool is_plain(
    const torch::Tensor& parameter,
    at::IntArrayRef shape,
    at::ScalarType type) {
  return parameter.scalar_type() == type && parameter.device().is_cpu() &&
      parameter.sizes() == shape && parameter.is_contiguous() &&
      parameter.is_leaf();
}

Obstacle parameter_obstacle(
    const torch::Tensor& parameter,
    at::IntArrayRef shape,
    at::ScalarType type) {
  if (!is_plain(parameter, shape, type)) {
    return {
        "a parameter is not a contiguous leaf tensor of its first shape "
        "and dtype on the CPU"};
  }
  if (has_hook(parameter)) {
    return {"a parameter has a hook"};
  }
  return {};
}

// Nothing where the module is of another type, or of one derived from it.
template <typename Impl>
std::optional<LinearLayer> layer_if(
    const std::shared_ptr<torch::nn::Module>& module) {
  const torch::nn::Module& known = *module;
  if (typeid(known) != typeid(Impl)) {
    return std::nullopt;
  }
  const auto& layer = static_cast<const Impl&>(known);
  return LinearLayer{
      module,
      &layer.weight,
      &layer.bias,
      layer.options.out_features(),
      layer.options.in_features()};
}

} // namespace

std::optional<LinearLayer> LinearLayer::of(
    const std::shared_ptr<torch::nn::Module>& module) {
  if (auto layer = layer_if<LinearTaskImpl>(module)) {
    return layer;
  }
  return layer_if<torch::nn::LinearImpl>(module);
}

Obstacle LinearLayer::obstacle(at::ScalarType type) const {
  auto found = parameter_obstacle(*weight, {outputs, width}, type);
  if (!found && has_bias()) {
    found = parameter_obstacle(*bias, {outputs}, type);
  }
  return found;
}

void set_gradient(
    const torch::Tensor& parameter, const torch::Tensor& gradient) {
  torch::Tensor& current = parameter.mutable_grad();
  if (!gradient.defined() || !parameter.requires_grad()) {
    current.reset();
  } else if (!current.is_same(gradient)) {
    current = gradient;
  }
}

torch::Tensor alias(
    const torch::Tensor& buffer, int64_t offset, at::IntArrayRef shape) {
  torch::NoGradGuard no_grad;
  torch::Tensor tensor = torch::empty({0}, buffer.options());
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) {
    strides[i - 1] = strides[i] * shape[i];
  }
  return tensor.set_(
      buffer.storage(), buffer.storage_offset() + offset, shape, strides);
}

} // namespace polytask::detail
