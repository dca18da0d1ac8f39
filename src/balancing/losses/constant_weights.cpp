// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/losses/constant_weights.h>

#include <ATen/TensorOperators.h>

#include <cmath>
#include <utility>

#include <polytask/core/host_value.h>

#include "../checks.h"

namespace polytask::balancing {

ConstantWeights::ConstantWeights(std::vector<double> weights)
    : weights_(std::move(weights)) {
  for (const double weight : weights_) {
    detail::check_option(
        std::isfinite(weight), name(), "weights", "that are finite", weight);
  }
}

void ConstantWeights::check_tasks(int64_t tasks) const {
  detail::check_one_each(weights_, tasks, name(), "weights");
}

at::Tensor ConstantWeights::value(
    const at::Tensor& losses, const Extras& /*extras*/) {
  return (polytask::detail::host_vector(
              of_present(weights_), losses.options()) *
          losses)
      .sum();
}

} // namespace polytask::balancing
