// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "solvers.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/outer.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <string>

#include <polytask/math/dual_cone.h>
#include <polytask/math/matrix.h>
#include <polytask/math/min_norm_point.h>
#include <polytask/math/simplex_projection.h>
#include "core/host_value.h"

namespace polytask::python {

namespace {

// In double on the CPU.
at::Tensor checked_values(
    const at::Tensor& tensor, int64_t dimensions, const std::string& who) {
  TORCH_CHECK_VALUE(
      tensor.is_floating_point() && tensor.dim() == dimensions &&
          tensor.numel() > 0,
      who,
      ": expected floating-point values of ",
      dimensions,
      dimensions == 1 ? " dimension" : " dimensions",
      ", but got ",
      tensor.toString(),
      " ",
      tensor.sizes(),
      ".");
  const at::Tensor values =
      tensor.detach().to(at::kCPU, at::kDouble).contiguous();
  TORCH_CHECK_VALUE(
      at::isfinite(values).all().item<bool>(),
      who,
      ": expected finite values.");
  return values;
}

math::Vector checked_vector(const at::Tensor& tensor, const std::string& who) {
  const at::Tensor values = checked_values(tensor, 1, who);
  const auto* data = values.const_data_ptr<double>();
  return {data, data + values.numel()};
}

math::Matrix checked_gramian(const at::Tensor& tensor, const std::string& who) {
  const at::Tensor values = checked_values(tensor, 2, who);
  TORCH_CHECK_VALUE(
      values.size(0) == values.size(1),
      who,
      ": expected a Gramian [T, T], but got ",
      values.sizes(),
      ".");
  const at::Tensor lengths = values.diagonal().clamp_min(0).sqrt();
  // As many digits as the products of a Jacobian in that dtype have.
  const double allowed = tensor.scalar_type() == at::kDouble ? 1e-10 : 1e-4;
  const bool is_gramian = (values.diagonal() >= 0).all().item<bool>() &&
      (at::abs(values - values.t()) <= allowed * at::outer(lengths, lengths))
          .all()
          .item<bool>();
  TORCH_CHECK_VALUE(
      is_gramian,
      who,
      ": expected a Gramian, symmetric with a diagonal that is not negative.");
  math::Matrix matrix(values.size(0));
  std::copy_n(values.const_data_ptr<double>(), values.numel(), matrix.data());
  return matrix;
}

} // namespace

at::Tensor dual_cone_projection(
    const at::Tensor& gramian, const at::Tensor& u) {
  const std::string who = "dual_cone_projection";
  const auto matrix = checked_gramian(gramian, who);
  const auto lower = checked_vector(u, who + ": u");
  TORCH_CHECK_VALUE(
      static_cast<int64_t>(lower.size()) == matrix.size(),
      who,
      ": expected u of ",
      matrix.size(),
      " values, but got ",
      lower.size(),
      ".");
  return polytask::detail::host_vector(
      math::dual_cone_projection(matrix, lower), gramian.options());
}

at::Tensor min_norm_point(const at::Tensor& gramian) {
  return polytask::detail::host_vector(
      math::min_norm_point(checked_gramian(gramian, "min_norm_point")),
      gramian.options());
}

at::Tensor simplex_projection(const at::Tensor& values) {
  auto point = checked_vector(values, "simplex_projection");
  math::project_onto_simplex(point);
  return polytask::detail::host_vector(point, values.options());
}

} // namespace polytask::python
