// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/heads/calibrated_head.h>

#include <ATen/ops/cat.h>
#include <c10/util/Exception.h>

#include <utility>

namespace polytask {

namespace {

void check_calibrated(const char* which, const torch::Tensor& logit) {
  TORCH_CHECK_VALUE(
      logit.dim() == 2 && logit.size(1) == 1,
      "CalibratedHead: expected a logit [B, 1] of the ",
      which,
      " tower, but got ",
      logit.sizes(),
      ".");
}

} // namespace

CalibratedHeadImpl::CalibratedHeadImpl(Network own, Network previous)
    : Module("polytask::CalibratedHead"),
      own_(std::move(own)),
      previous_(std::move(previous)) {
  TORCH_CHECK_VALUE(
      own_.module() != previous_.module(),
      "CalibratedHead: both towers are the same module.");
  register_module("own", own_.module());
  register_module("previous", previous_.module());
}

torch::Tensor CalibratedHeadImpl::forward(const Inputs& features) {
  const torch::Tensor logit = own_.forward(features["own"]);
  check_calibrated("own", logit);
  if (!is_training()) {
    return logit;
  }
  const torch::Tensor before = previous_.forward(features["previous"]);
  check_calibrated("previous", before);
  return at::cat({logit, before}, 1);
}

std::shared_ptr<torch::nn::Module> CalibratedHeadImpl::clone(
    const std::optional<torch::Device>& device) const {
  auto copy = std::make_shared<CalibratedHeadImpl>(
      own_.clone(device), previous_.clone(device));
  copy->train(is_training());
  return copy;
}

void CalibratedHeadImpl::pretty_print(std::ostream& stream) const {
  stream << "polytask::CalibratedHead()";
}

} // namespace polytask
