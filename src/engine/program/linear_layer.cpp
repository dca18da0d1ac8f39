// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "linear_layer.h"

#include <torch/nn/modules/linear.h>

#include <typeinfo>

#include <polytask/task/linear_task.h>

#include "parameter_obstacle.h"

namespace polytask::detail {

namespace {

// Nothing where the module is of another type, or of one derived from it.
template <typename Impl>
std::optional<LinearLayer> layer_if(
    const std::shared_ptr<torch::nn::Module>& module) {
  const torch::nn::Module& known = *module;
  if (typeid(known) != typeid(Impl)) {
    return std::nullopt;
  }
  const auto& layer = static_cast<const Impl&>(known);
  const auto registered = known.named_parameters(/*recurse=*/false);
  const auto find = [&](const char* name) {
    const auto* found = registered.find(name);
    return found ? *found : torch::Tensor();
  };
  return LinearLayer{
      module,
      &layer.weight,
      &layer.bias,
      layer.options.out_features(),
      layer.options.in_features(),
      find("weight"),
      find("bias")};
}

} // namespace

std::optional<LinearLayer> LinearLayer::of(
    const std::shared_ptr<torch::nn::Module>& module) {
  if (auto layer = layer_if<LinearTaskImpl>(module)) {
    return layer;
  }
  return layer_if<torch::nn::LinearImpl>(module);
}

Obstacle LinearLayer::obstacle(
    at::ScalarType type, torch::Device device) const {
  if (!weight->is_same(registered_weight) || !bias->is_same(registered_bias)) {
    return {"a layer's parameters are not those that are registered"};
  }
  auto found = parameter_obstacle(*weight, {outputs, width}, type, device);
  if (!found && has_bias()) {
    found = parameter_obstacle(*bias, {outputs}, type, device);
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
