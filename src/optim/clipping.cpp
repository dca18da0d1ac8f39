// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/optim/clipping.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <c10/util/Exception.h>

#include <algorithm>

namespace polytask {

namespace {

// Gradients that the kernels for lists take together.
bool are_alike(const std::vector<at::Tensor>& gradients) {
  const at::Tensor& first = gradients[0];
  const bool real =
      first.scalar_type() == at::kFloat || first.scalar_type() == at::kDouble;
  return real && std::ranges::all_of(gradients, [&](const auto& gradient) {
           return gradient.scalar_type() == first.scalar_type() &&
               gradient.device() == first.device() &&
               gradient.layout() == at::kStrided && !gradient.requires_grad();
         });
}

// 1e-6 and the clamp as in LibTorch's clip_grad_norm_, which however reads the
// norm back and so waits for the device.
at::Tensor clip_factor(const at::Tensor& norms, double max_norm) {
  return (max_norm / (at::linalg_vector_norm(norms) + 1e-6)).clamp_max(1.0);
}

void scale(const std::vector<at::Tensor>& gradients, const at::Scalar& factor) {
  for (const at::Tensor& gradient : gradients) {
    gradient.mul_(factor);
  }
}

// On a CPU there is nothing to wait for: scalars are cheaper than tensors of
// one element, and factors of 1 need no pass. Rounds as `clip_factor` does.
template <typename Scalar>
void clip_norm_on_cpu(
    const std::vector<at::Tensor>& gradients, double max_norm) {
  at::Tensor norms = at::empty(
      {static_cast<int64_t>(gradients.size())}, gradients[0].options());
  auto* values = norms.mutable_data_ptr<Scalar>();
  for (const auto& gradient : gradients) {
    *values++ = *at::linalg_vector_norm(gradient).const_data_ptr<Scalar>();
  }
  const Scalar norm = *at::linalg_vector_norm(norms).const_data_ptr<Scalar>() +
      static_cast<Scalar>(1e-6);
  const Scalar factor = static_cast<Scalar>(max_norm) / norm;
  if (factor >= Scalar(1)) {
    return;
  }
  scale(gradients, factor);
}

void clip_alike(const std::vector<at::Tensor>& gradients, double max_norm) {
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
  if (!gradients[0].is_cpu()) {
    const at::Tensor factor =
        clip_factor(at::stack(at::_foreach_norm(gradients)), max_norm);
    at::_foreach_mul_(gradients, factor);
  } else if (gradients[0].scalar_type() == at::kFloat) {
    clip_norm_on_cpu<float>(gradients, max_norm);
  } else {
    clip_norm_on_cpu<double>(gradients, max_norm);
  }
}

void clip_norm(const std::vector<at::Tensor>& gradients, double max_norm) {
  if (are_alike(gradients)) {
    clip_alike(gradients, max_norm);
    return;
  }
  std::vector<at::Tensor> norms;
  norms.reserve(gradients.size());
  for (const auto& gradient : gradients) {
    norms.push_back(at::linalg_vector_norm(gradient).to(gradients[0].device()));
  }
  const at::Tensor factor = clip_factor(at::stack(norms), max_norm);
  for (const at::Tensor& gradient : gradients) {
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

void Clipping::apply(
    const std::vector<at::Tensor>& gradients,
    std::optional<double> norm) const {
  std::vector<at::Tensor> defined;
  for (const auto& gradient : gradients) {
    if (gradient.defined()) {
      defined.push_back(gradient);
    }
  }
  if (defined.empty() || kind_ == Kind::kNone) {
    return;
  }
  if (kind_ == Kind::kNorm && norm) {
    // Not where the factor is 1; NaN goes on as it does without a norm.
    if (const double factor = limit_ / (*norm + 1e-6); !(factor >= 1)) {
      scale(defined, factor);
    }
    return;
  }
  if (kind_ == Kind::kNorm) {
    clip_norm(defined, limit_);
    return;
  }
  for (const at::Tensor& gradient : defined) {
    gradient.clamp_(-limit_, limit_);
  }
}

} // namespace polytask
