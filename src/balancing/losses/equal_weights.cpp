// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/losses/equal_weights.h>

#include <ATen/TensorOperators.h>

namespace polytask::balancing {

at::Tensor EqualWeights::value(
    const at::Tensor& losses, const Extras& /*extras*/) {
  return options_.mean() ? losses.mean() : losses.sum();
}

} // namespace polytask::balancing
