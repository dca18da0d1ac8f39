// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "known_gradients.h"

#include <ATen/TensorOperators.h>

#include <algorithm>

#include "vectors.h"

namespace polytask::detail {

std::string KnownGradients::why_not_all(
    const std::vector<torch::Tensor>& parameters, const Plan& plan) {
  if (!plan.unheld().empty()) {
    return "the optimizer does not hold all that is shared";
  }
  const bool is_all = std::ranges::equal(
      parameters, plan.shared(), [](const auto& a, const auto& b) {
        return a.is_same(b);
      });
  return is_all ? "" : "the trunk's parameters are not all that is shared";
}

void KnownGradients::begin(const HeadSteps& steps) {
  steps_ = steps;
  head_weights_ = {};
  choice_ = {};
  is_used_.assign(shared().size(), true);
  has_rows_ = false;
}

void KnownGradients::add_strays(const torch::Tensor& rows) {
  for (size_t i = 0; heads_.has_shared_strays() && i < steps_.size(); ++i) {
    heads_.add_strays(
        i, shared(), rows.select(0, static_cast<int64_t>(i)), 1, &is_used_);
  }
}

void KnownGradients::add_strays(
    const torch::Tensor& sum, const torch::Tensor& factors) {
  for (size_t i = 0; heads_.has_shared_strays() && i < steps_.size(); ++i) {
    heads_.add_strays(
        i,
        shared(),
        sum,
        factors[static_cast<int64_t>(i)].item<double>(),
        &is_used_);
  }
}

void KnownGradients::publish_direction(const torch::Tensor& direction) {
  torch::NoGradGuard no_grad;
  publish_strays();
  set_flat_gradient(shared(), direction);
  heads_.clear();
}

void KnownGradients::scale_heads(const TaskWeights& weights) {
  head_weights_ = weights;
  heads_.scale(weights);
}

std::vector<int64_t> KnownGradients::block_sizes() const {
  return sizes_of(shared());
}

} // namespace polytask::detail
