// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/linear_task.h>

#include <ATen/ops/addmm.h>
#include <ATen/ops/linear.h>
#include <torch/nn/init.h>

#include <cmath>

namespace polytask {

LinearTaskImpl::LinearTaskImpl(const LinearTaskOptions& given)
    : options(given) {
  TORCH_CHECK_VALUE(
      options.in_features() >= 1 && options.out_features() >= 1,
      "LinearTask: expected at least one input and one output, but got ",
      options.in_features(),
      " and ",
      options.out_features(),
      ".");
  const double range = options.range().value_or(1.0);
  TORCH_CHECK_VALUE(
      std::isfinite(range) && range >= 0,
      "LinearTask: expected a finite range of at least 0, but got ",
      range,
      ".");
  TORCH_CHECK_VALUE(
      !options.range() || options.init() != LinearInit::kLinear,
      "LinearTask: a range goes with LinearInit::kUniform; kLinear has its "
      "own.");
  reset();
}

void LinearTaskImpl::reset() {
  weight = register_parameter(
      "weight", torch::empty({options.out_features(), options.in_features()}));
  bias = register_parameter(
      "bias",
      options.bias() ? torch::empty({options.out_features()}) : torch::Tensor(),
      options.bias());
  reset_parameters();
}

void LinearTaskImpl::reset_parameters() {
  torch::NoGradGuard no_grad;
  if (options.init() == LinearInit::kLinear) {
    torch::nn::init::kaiming_uniform_(weight, std::sqrt(5.0));
    const double bound =
        1 / std::sqrt(static_cast<double>(options.in_features()));
    if (bias.defined()) {
      torch::nn::init::uniform_(bias, -bound, bound);
    }
    return;
  }
  const double range = options.range().value_or(1.0);
  torch::nn::init::uniform_(weight, -range, range);
  if (bias.defined()) {
    torch::nn::init::zeros_(bias);
  }
}

void LinearTaskImpl::pretty_print(std::ostream& stream) const {
  stream << std::boolalpha << "polytask::LinearTask(" << options.in_features()
         << ", " << options.out_features() << ", bias=" << options.bias() << ")"
         << std::noboolalpha;
}

torch::Tensor LinearTaskImpl::forward(const torch::Tensor& input) {
  TORCH_CHECK_VALUE(
      input.is_floating_point(),
      "LinearTask: expected a floating-point input, but got ",
      input.scalar_type(),
      ".");
  TORCH_CHECK_VALUE(
      input.size(-1) == options.in_features(),
      "LinearTask: expected an input of shape [B, ",
      options.in_features(),
      "], but got ",
      input.sizes(),
      ".");
  // What at::linear comes to for a matrix, without its dispatch.
  if (input.dim() == 2 && bias.defined()) {
    return at::addmm(bias, input, weight.t());
  }
  return at::linear(input, weight, bias);
}

} // namespace polytask
