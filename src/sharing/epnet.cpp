// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/epnet.h>

#include <ATen/TensorOperators.h>

#include <utility>

#include "sharing/pepnet/prior_gate.h"

namespace polytask {

namespace {

detail::PriorReading epnet_reading(const EPNetOptions& options) {
  return {
      "EPNet",
      options.in_features(),
      options.prior_features(),
      options.input_name(),
      options.prior_name(),
      options.prior_first()};
}

} // namespace

EPNetImpl::EPNetImpl(EPNetOptions given) : options(std::move(given)) {
  detail::check_prior_options(epnet_reading(options), options.gamma());
  detail::check_prior_width(
      "EPNet", "gate_width", options.gate_width().value_or(1));
  reset();
}

void EPNetImpl::reset() {
  const int64_t width = options.in_features();
  gate_ = register_module(
      "gate",
      std::make_shared<detail::PriorGateImpl>(detail::PriorGateForm{
          width + options.prior_features(),
          options.gate_width().value_or(width),
          width,
          options.gamma()}));
}

torch::Tensor EPNetImpl::forward(const Inputs& inputs) {
  const auto read = detail::read_prior(epnet_reading(options), inputs);
  return read.input * gate_->forward(read.gate_input);
}

void EPNetImpl::pretty_print(std::ostream& stream) const {
  stream << "polytask::EPNet(in_features=" << options.in_features()
         << ", prior_features=" << options.prior_features()
         << ", gamma=" << options.gamma() << ")";
}

} // namespace polytask
