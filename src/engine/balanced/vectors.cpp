// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "vectors.h"

#include <c10/util/Exception.h>

#include "../program/linear_layer.h"

namespace polytask::detail {

torch::TensorOptions options_of(const std::vector<torch::Tensor>& parameters) {
  auto type = parameters.front().scalar_type();
  for (const auto& parameter : parameters) {
    type = c10::promoteTypes(type, parameter.scalar_type());
  }
  return parameters.front().options().dtype(type).requires_grad(false);
}

void check_dense(const torch::Tensor& gradient) {
  TORCH_CHECK_VALUE(
      !gradient.defined() || gradient.layout() == at::kStrided,
      "training: a parameter of shape ",
      gradient.sizes(),
      " has a sparse gradient, but a balancing combines dense ones; switch "
      "sparse off.");
}

void write_flat(
    const std::vector<torch::Tensor>& gradients,
    const std::vector<torch::Tensor>& parameters,
    torch::Tensor row) {
  int64_t offset = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const int64_t size = parameters[i].numel();
    check_dense(gradients[i]);
    if (gradients[i].defined()) {
      row.narrow(0, offset, size)
          .view(parameters[i].sizes())
          .copy_(gradients[i]);
    }
    offset += size;
  }
}

// Not as views, for LibTorch's zero_grad detaches gradients in place.
void set_flat_gradient(
    const std::vector<torch::Tensor>& parameters,
    const torch::Tensor& direction) {
  const torch::Tensor flat = direction.contiguous();
  int64_t offset = 0;
  for (const auto& parameter : parameters) {
    const torch::Tensor own = alias(flat, offset, parameter.sizes());
    parameter.mutable_grad() = own.scalar_type() == parameter.scalar_type()
        ? own
        : own.to(parameter.scalar_type());
    offset += parameter.numel();
  }
}

void set_own_gradient(
    const torch::Tensor& parameter, const torch::Tensor& gradient) {
  check_dense(gradient);
  // A backward may hand one tensor to two parameters.
  const bool is_own = !gradient.defined() ||
      (!gradient.is_view() && gradient.is_contiguous() &&
       gradient.use_count() == 1 && gradient.storage().use_count() == 1);
  parameter.mutable_grad() =
      is_own ? gradient : gradient.clone(at::MemoryFormat::Contiguous);
}

std::vector<int64_t> sizes_of(const std::vector<torch::Tensor>& parameters) {
  std::vector<int64_t> sizes;
  for (const auto& parameter : parameters) {
    sizes.push_back(parameter.numel());
  }
  return sizes;
}

} // namespace polytask::detail
