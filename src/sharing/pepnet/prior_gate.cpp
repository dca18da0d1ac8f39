// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/pepnet/prior_gate.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <c10/util/Exception.h>

#include <cmath>

namespace polytask::detail {

PriorGateImpl::PriorGateImpl(PriorGateForm form) : form_(form) {
  reset();
}

void PriorGateImpl::reset() {
  hidden_ = register_module(
      "hidden", torch::nn::Linear(form_.in_features, form_.hidden));
  output_ = register_module(
      "output", torch::nn::Linear(form_.hidden, form_.out_features));
}

torch::Tensor PriorGateImpl::forward(const torch::Tensor& input) {
  return form_.gamma *
      at::sigmoid(output_->forward(at::relu(hidden_->forward(input))));
}

void PriorGateImpl::pretty_print(std::ostream& stream) const {
  stream << "polytask::PriorGate(gamma=" << form_.gamma << ")";
}

namespace {

void check_prior_tensor(
    const char* who,
    const std::string& name,
    const torch::Tensor& tensor,
    int64_t width) {
  TORCH_CHECK_VALUE(
      tensor.dim() == 2 && tensor.size(1) == width,
      who,
      ": expected '",
      name,
      "' of shape [B, ",
      width,
      "], but got ",
      tensor.sizes(),
      ".");
}

} // namespace

PriorInput read_prior(const PriorReading& reading, const Inputs& inputs) {
  TORCH_CHECK_VALUE(
      inputs.has(reading.input_name) && inputs.has(reading.prior_name),
      reading.who,
      ": expected the inputs '",
      reading.input_name,
      "' and '",
      reading.prior_name,
      "', but got ",
      inputs,
      ".");
  const torch::Tensor& input = inputs[reading.input_name];
  const torch::Tensor& prior = inputs[reading.prior_name];
  check_prior_tensor(
      reading.who, reading.input_name, input, reading.in_features);
  check_prior_tensor(
      reading.who, reading.prior_name, prior, reading.prior_features);
  const torch::Tensor cut = input.detach();
  return {
      input,
      reading.prior_first ? at::cat({prior, cut}, 1)
                          : at::cat({cut, prior}, 1)};
}

void check_prior_width(const char* who, const char* what, int64_t width) {
  TORCH_CHECK_VALUE(
      width >= 1,
      who,
      ": expected ",
      what,
      " of at least 1, but got ",
      width,
      ".");
}

void check_prior_options(const PriorReading& reading, double gamma) {
  check_prior_width(reading.who, "in_features", reading.in_features);
  check_prior_width(reading.who, "prior_features", reading.prior_features);
  TORCH_CHECK_VALUE(
      gamma > 0 && std::isfinite(gamma),
      reading.who,
      ": expected a positive, finite gamma, but got ",
      gamma,
      ".");
  TORCH_CHECK_VALUE(
      reading.input_name != reading.prior_name,
      reading.who,
      ": the input and the prior are both called '",
      reading.input_name,
      "'.");
}

} // namespace polytask::detail
