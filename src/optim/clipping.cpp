// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/optim/clipping.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <c10/util/Exception.h>

namespace polytask {

namespace {

void clip_norm(const std::vector<at::Tensor>& gradients, double max_norm) {
  std::vector<at::Tensor> norms;
  norms.reserve(gradients.size());
  for (const auto& gradient : gradients) {
    norms.push_back(at::linalg_vector_norm(gradient).to(gradients[0].device()));
  }
  // 1e-6 and the clamp as in LibTorch's clip_grad_norm_, which however reads
  // the norm back and so waits for the device.
  const at::Tensor factor =
      (max_norm / (at::linalg_vector_norm(at::stack(norms)) + 1e-6))
          .clamp_max(1.0);
  for (at::Tensor gradient : gradients) {
    gradient.mul_(factor.to(gradient.device()));
  }
}

} // namespace

Clipping::Clipping(Kind kind, double limit) : kind_(kind), limit_(limit) {
  TORCH_CHECK_VALUE(
      limit > 0, "Clipping: expected a positive limit, but got ", limit, ".");
}

Clipping Clipping::by_norm(double max_norm) {
  return Clipping(Kind::kNorm, max_norm);
}

Clipping Clipping::by_value(double max) {
  return Clipping(Kind::kValue, max);
}

void Clipping::apply(const std::vector<at::Tensor>& gradients) const {
  std::vector<at::Tensor> defined;
  for (const auto& gradient : gradients) {
    if (gradient.defined()) {
      defined.push_back(gradient);
    }
  }
  if (defined.empty() || kind_ == Kind::kNone) {
    return;
  }
  if (kind_ == Kind::kNorm) {
    clip_norm(defined, limit_);
    return;
  }
  for (at::Tensor gradient : defined) {
    gradient.clamp_(-limit_, limit_);
  }
}

} // namespace polytask
