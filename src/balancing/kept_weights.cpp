// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "kept_weights.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>

#include <algorithm>

#include "core/host_value.h"

#include "host.h"

namespace polytask::balancing::detail {

bool KeptWeights::hold(
    const at::Tensor& weights,
    const at::Tensor& age,
    const at::Tensor& present,
    const std::vector<int64_t>& tasks,
    int64_t steps) {
  if (!weights.defined() || weights.numel() == 0 ||
      age.item<int64_t>() >= steps) {
    return false;
  }
  const at::Tensor here = present.to(at::kCPU).contiguous();
  const auto* of = here.const_data_ptr<int64_t>();
  return std::equal(tasks.begin(), tasks.end(), of, of + here.numel());
}

// Not as a vector [T], of which steps of some tasks would see a part.
void KeptWeights::start() {
  weights = at::empty({1, 0}, at::kDouble);
  age = at::scalar_tensor(0, at::kLong);
  present = at::empty({1, 0}, at::kLong);
}

void KeptWeights::set(
    const math::Vector& found, const std::vector<int64_t>& tasks) {
  weights = polytask::detail::host_vector(found, at::kDouble).unsqueeze(0);
  age = at::scalar_tensor(1, at::kLong);
  present = at::tensor(tasks, at::kLong).unsqueeze(0);
}

math::Vector KeptWeights::take() {
  age = at::scalar_tensor(age.item<int64_t>() + 1, at::kLong);
  return host_values(weights.flatten(), who);
}

} // namespace polytask::balancing::detail
