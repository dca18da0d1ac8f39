// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "graddrop_mask.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/gt.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/logical_or.h>
#include <ATen/ops/lt.h>
#include <c10/util/Exception.h>

#include "../extras.h"

namespace polytask::balancing::detail {

at::Tensor graddrop_mask(
    const at::Tensor& votes,
    const at::Tensor& purity,
    const Extras& extras,
    Random& random,
    const std::string& who) {
  at::Tensor uniform = find_extra(extras, "uniform");
  if (!uniform.defined()) {
    uniform = random.uniforms(votes.size(1), votes.options());
  }
  TORCH_CHECK_VALUE(
      uniform.numel() == votes.size(1),
      who,
      ": expected ",
      votes.size(1),
      " uniform numbers, but got ",
      uniform.numel(),
      ".");
  uniform = uniform.to(votes.options()).reshape({-1});
  const at::Tensor positive =
      at::logical_and(at::gt(purity, uniform), at::gt(votes, 0));
  const at::Tensor negative =
      at::logical_and(at::lt(purity, uniform), at::lt(votes, 0));
  return at::logical_or(positive, negative).to(votes.scalar_type());
}

} // namespace polytask::balancing::detail
