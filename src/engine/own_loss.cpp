// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "own_loss.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "core/host_value.h"

#include "balanced/leaves.h"
#include "balanced/vectors.h"

namespace polytask::detail {

void OwnLoss::reset(int64_t forwards) {
  part_ = 1.0 / static_cast<double>(forwards);
  found_.reset();
  forget();
}

void OwnLoss::find(
    Sharing& sharing, c10::ArrayRef<int64_t> tasks, bool is_checked) {
  if (!at::GradMode::is_enabled()) {
    return;
  }
  found_ = sharing.own_loss(tasks);
  if (!found_.defined()) {
    return;
  }
  is_used_ = true;
  TORCH_CHECK_VALUE(
      found_.numel() == 1,
      "Sharing '",
      sharing.name(),
      "': expected its own loss to be one number, but got a tensor of shape ",
      found_.sizes(),
      ".");
  found_ = found_.reshape({});
  const auto value = host_value(found_);
  TORCH_CHECK_VALUE(
      !is_checked || !value || std::isfinite(*value),
      "Sharing '",
      sharing.name(),
      "': its own loss is ",
      std::isnan(value.value_or(0)) ? "nan" : c10::str(value.value_or(0)),
      "; the step is not taken and the parameters are as they were.");
  const at::Tensor term = found_.detach() * part_;
  value_ = value_.defined() ? value_ + term : term;
}

at::Tensor OwnLoss::take(double scale) {
  at::Tensor found = std::exchange(found_, {});
  const double factor = part_ * scale;
  return found.defined() && factor != 1 ? found * factor : found;
}

void OwnLoss::differentiate(double scale) {
  const at::Tensor loss = take(scale);
  if (!loss.defined() || !loss.requires_grad()) {
    return;
  }
  const auto leaves = leaves_of({loss});
  const auto gradients = torch::autograd::grad(
      {loss},
      leaves,
      {},
      /*retain_graph=*/true,
      /*create_graph=*/false,
      /*allow_unused=*/true);
  for (size_t i = 0; i < leaves.size(); ++i) {
    if (gradients[i].defined()) {
      gradients_.emplace_back(leaves[i], gradients[i]);
    }
  }
}

double OwnLoss::number() const {
  return value_.defined() ? value_.item<double>() : 0;
}

void OwnLoss::note(double number, const at::TensorOptions& options) {
  if (value_.defined() || number != 0) {
    value_ = torch::full({}, number, options);
  }
}

void OwnLoss::publish() {
  for (const auto& [leaf, gradient] : gradients_) {
    accumulate_gradient(leaf, gradient);
  }
  gradients_.clear();
}

} // namespace polytask::detail
