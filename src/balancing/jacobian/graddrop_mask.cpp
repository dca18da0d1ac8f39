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
    const at::Tensor columns = find_extra(extras, "columns");
    const auto all =
        columns.defined() ? columns[1].item<int64_t>() : votes.size(1);
    uniform = random.uniforms(all, votes.options());
    if (columns.defined()) {
      uniform = uniform.narrow(0, columns[0].item<int64_t>(), votes.size(1));
    }
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
