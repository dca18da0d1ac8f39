// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/three_batches.h>

#include <c10/util/Exception.h>

#include "../extras.h"
#include "../host.h"

namespace polytask::balancing {

namespace {

at::Tensor batch_rows(
    const at::Tensor& found,
    const at::Tensor& jacobian,
    const std::string& who) {
  detail::check_jacobian(found, who);
  TORCH_CHECK_VALUE(
      found.sizes() == jacobian.sizes(),
      who,
      ": expected Jacobians of one shape, but got ",
      jacobian.sizes(),
      " and ",
      found.sizes(),
      ".");
  return found.detach();
}

} // namespace

math::Matrix ThreeBatches::gramian_of(
    const at::Tensor& jacobian, const Extras& extras) const {
  const auto who = name();
  at::Tensor first = detail::find_extra(extras, "jacobian_1");
  if (!first.defined()) {
    first = jacobian;
  }
  const at::Tensor second = detail::need_extra(extras, "jacobian_2", who);
  return detail::host_products(
      batch_rows(first, jacobian, who).flatten(1),
      batch_rows(second, jacobian, who).flatten(1));
}

at::Tensor ThreeBatches::combined_rows(
    const at::Tensor& jacobian, const Extras& extras) const {
  const auto who = name();
  const at::Tensor third = detail::find_extra(extras, "jacobian_3");
  const at::Tensor rows =
      batch_rows(third.defined() ? third : jacobian, jacobian, who);
  detail::check_finite_rows(rows, who);
  return rows;
}

} // namespace polytask::balancing
