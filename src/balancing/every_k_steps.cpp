// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/every_k_steps.h>

#include <ATen/ops/scalar_tensor.h>

#include <utility>

#include "checks.h"
#include "kept_weights.h"

namespace polytask::balancing {

EveryKSteps::EveryKSteps(std::unique_ptr<Balancing> method, int64_t k)
    : Cloneable(std::move(method), "every_k_steps"), k_(k) {
  detail::check_option(
      k >= 1, name(), "a k", "of at least 1", static_cast<double>(k));
  buffer("weights");
  buffer("age");
  buffer("present");
}

void EveryKSteps::start() {
  kept().start();
}

bool EveryKSteps::wants_gradients() const {
  return !detail::KeptWeights::hold(
      buffer("weights"), buffer("age"), buffer("present"), present(), k_);
}

detail::KeptWeights EveryKSteps::kept() {
  return {name(), buffer("weights"), buffer("age"), buffer("present")};
}

math::Vector EveryKSteps::compute(
    const math::Matrix& gramian, const Extras& extras) {
  if (!wants_gradients()) {
    return repeated();
  }
  auto weights = inner().solve(gramian, extras);
  kept().set(weights, present());
  return weights;
}

math::Vector EveryKSteps::repeated() {
  const at::Tensor& weights = buffer("weights");
  return weights.defined() && weights.numel() > 0 ? kept().take()
                                                  : math::Vector{};
}

} // namespace polytask::balancing
