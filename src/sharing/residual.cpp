// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/residual.h>

#include <ATen/TensorOperators.h>
#include <c10/util/Exception.h>

#include <utility>

#include "sharing/cloning.h"
#include "sharing/residual_sum.h"

namespace polytask {

ResidualImpl::ResidualImpl(Network inner)
    : Module("polytask::Residual"), inner_(std::move(inner)) {
  register_module("inner", inner_.module());
}

torch::Tensor ResidualImpl::forward(const torch::Tensor& input) {
  return detail::residual_sum(input, inner_.forward(input));
}

std::shared_ptr<torch::nn::Module> ResidualImpl::clone(
    const std::optional<torch::Device>& device) const {
  auto copy = std::make_shared<ResidualImpl>(inner_.clone(device));
  detail::complete_clone(*this, *copy);
  return copy;
}

void ResidualImpl::pretty_print(std::ostream& stream) const {
  stream << "polytask::Residual()";
}

namespace detail {

torch::Tensor residual_sum(
    const torch::Tensor& input, const torch::Tensor& output) {
  TORCH_CHECK_VALUE(
      output.sizes() == input.sizes(),
      "Residual: expected inner layers that keep the input's shape ",
      input.sizes(),
      ", but got ",
      output.sizes(),
      ".");
  return input + output;
}

} // namespace detail

} // namespace polytask
