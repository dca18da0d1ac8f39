// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/scalarization/imtl_l.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/full.h>

#include "../describe.h"
#include "../extras.h"

namespace polytask::balancing {

IMTLL::IMTLL(IMTLLOptions options) : options_(options) {
  check_options();
  buffer("log_scale");
}

const detail::Description& IMTLL::description() {
  using namespace detail;
  static const Description made =
      Describe<IMTLLOptions>("imtl_l", "IMTLL")
          .option(
              "initial", &IMTLLOptions::initial, any_number(), "where s starts")
          .or_by("initial log_scale")
          .also({"scalarizer_imtl_l"})
          .made_of(&IMTLL::options_);
  return made;
}

std::vector<at::Tensor> IMTLL::parameters() const {
  if (tasks() == 0) {
    return {};
  }
  return {buffer("log_scale")};
}

void IMTLL::start() {
  buffer("log_scale") =
      at::full({tasks()}, options_.initial(), at::kDouble).requires_grad_();
}

at::Tensor IMTLL::value(const at::Tensor& losses, const Extras& extras) {
  at::Tensor scale = detail::find_extra(extras, "log_scale");
  if (!scale.defined()) {
    scale = buffer("log_scale");
  }
  scale = scale.to(losses.options());
  return (at::exp(scale) * losses - scale).sum();
}

} // namespace polytask::balancing
