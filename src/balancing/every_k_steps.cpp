// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/every_k_steps.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/scalar_tensor.h>

#include <utility>

#include <polytask/core/host_value.h>

#include "checks.h"
#include "host.h"

namespace polytask::balancing {

EveryKSteps::EveryKSteps(std::unique_ptr<Balancing> method, int64_t k)
    : Cloneable(std::move(method), "every_k_steps"), k_(k) {
  detail::check_option(
      k >= 1, name(), "a k", "of at least 1", static_cast<double>(k));
  buffer("weights");
  buffer("age");
}

void EveryKSteps::start() {
  buffer("age") = at::scalar_tensor(0, at::kLong);
}

bool EveryKSteps::wants_gradients() const {
  return !buffer("weights").defined() || buffer("age").item<int64_t>() >= k_;
}

math::Vector EveryKSteps::compute(
    const math::Matrix& gramian, const Extras& extras) {
  if (!wants_gradients()) {
    return repeated();
  }
  auto weights = inner().solve(gramian, extras);
  buffer("weights") = polytask::detail::host_vector(weights, at::kDouble);
  buffer("age") = at::scalar_tensor(1, at::kLong);
  return weights;
}

math::Vector EveryKSteps::repeated() {
  if (!buffer("weights").defined()) {
    return {};
  }
  buffer("age") = buffer("age") + 1;
  return detail::host_values(buffer("weights"), name());
}

} // namespace polytask::balancing
