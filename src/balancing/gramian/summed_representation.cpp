// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/summed_representation.h>

#include <c10/util/Exception.h>

#include <utility>

namespace polytask::balancing {

SummedRepresentation::SummedRepresentation(std::unique_ptr<Balancing> method)
    : Cloneable(std::move(method), "summed_representation") {}

math::Matrix SummedRepresentation::gramian_of(
    const at::Tensor& jacobian, const Extras& extras) const {
  TORCH_CHECK_VALUE(
      jacobian.dim() >= 3,
      name(),
      ": expected gradients [T, B, ...] for a batch of features, but got ",
      jacobian.sizes(),
      ".");
  return inner().gramian_of(jacobian.sum(1), extras);
}

math::Vector SummedRepresentation::compute(
    const math::Matrix& gramian, const Extras& extras) {
  return inner().solve(gramian, extras);
}

math::Vector SummedRepresentation::repeated() {
  return inner().repeat();
}

} // namespace polytask::balancing
