// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "host.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mv.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <array>

#include <polytask/math/normalized_gramian.h>
#include "core/host_value.h"
#include "core/in_double.h"
#include "core/rounding.h"

namespace polytask::balancing::detail {

namespace {

// Floats are multiplied in double: their products' errors would grow with N.
constexpr int64_t kBlock = 1 << 16;

// x · 0 is NaN where x is not finite; several sums, for the vectoriser.
template <typename Scalar>
bool are_finite(const Scalar* values, int64_t count) {
  constexpr int64_t kLanes = 16;
  std::array<Scalar, kLanes> sums{};
  const int64_t whole = count - count % kLanes;
  for (int64_t begin = 0; begin < whole; begin += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      sums[static_cast<size_t>(lane)] += values[begin + lane] * 0;
    }
  }
  for (int64_t i = whole; i < count; ++i) {
    sums[0] += values[i] * 0;
  }
  return std::all_of(
      sums.begin(), sums.end(), [](Scalar sum) { return sum == 0; });
}

// Of a tensor on the host; without the dispatcher where it can be.
bool is_finite(const at::Tensor& tensor) {
  if (tensor.is_contiguous() && tensor.scalar_type() == at::kFloat) {
    return are_finite(tensor.const_data_ptr<float>(), tensor.numel());
  }
  if (tensor.is_contiguous() && tensor.scalar_type() == at::kDouble) {
    return are_finite(tensor.const_data_ptr<double>(), tensor.numel());
  }
  return at::isfinite(tensor).all().item<bool>();
}

} // namespace

math::Vector host_values(const at::Tensor& vector, const std::string& who) {
  TORCH_CHECK_VALUE(
      vector.defined() && vector.dim() == 1,
      who,
      ": expected a vector [T], but got ",
      vector.defined() ? c10::str(vector.sizes()) : "an undefined tensor",
      ".");
  math::Vector values(static_cast<size_t>(vector.numel()));
  polytask::detail::copy_to_host(vector, values.data());
  return values;
}

math::Matrix host_matrix(const at::Tensor& matrix, const std::string& who) {
  TORCH_CHECK_VALUE(
      matrix.defined() && matrix.dim() == 2 && matrix.size(0) == matrix.size(1),
      who,
      ": expected a square matrix [T, T], but got ",
      matrix.defined() ? c10::str(matrix.sizes()) : "an undefined tensor",
      ".");
  math::Matrix values(matrix.size(0));
  polytask::detail::copy_to_host(matrix, values.data());
  return values;
}

math::Matrix host_products(const at::Tensor& a, const at::Tensor& b) {
  const int64_t columns = a.size(1);
  at::Tensor sum;
  for (int64_t begin = 0; begin < columns || begin == 0; begin += kBlock) {
    const int64_t count = std::min(kBlock, columns - begin);
    const at::Tensor left =
        polytask::detail::in_double(a.narrow(1, begin, count));
    const at::Tensor right = a.is_same(b)
        ? left
        : polytask::detail::in_double(b.narrow(1, begin, count));
    const at::Tensor part = at::mm(left, right.t());
    sum = sum.defined() ? sum.add_(part) : part;
  }
  return host_matrix(sum, "Jacobian");
}

math::Matrix host_gramian(const at::Tensor& jacobian) {
  math::Matrix gramian = host_products(jacobian, jacobian);
  // A matrix product need not be symmetric to the last bit.
  math::symmetrize(gramian);
  gramian.set_rounding(polytask::detail::rounding_of(jacobian.scalar_type()));
  return gramian;
}

void check_jacobian(const at::Tensor& jacobian, const std::string& who) {
  TORCH_CHECK_VALUE(
      jacobian.defined() && jacobian.is_floating_point() && jacobian.dim() >= 2,
      who,
      ": expected a floating-point Jacobian [T, ...], but got ",
      jacobian.defined() ? c10::str(jacobian.toString(), " ", jacobian.sizes())
                         : "an undefined tensor",
      ".");
}

void check_finite_rows(const at::Tensor& jacobian, const std::string& who) {
  TORCH_CHECK_VALUE(
      !jacobian.device().is_cpu() || is_finite(jacobian),
      who,
      ": the Jacobian holds numbers that are not finite.");
}

void check_finite_update(const at::Tensor& update, const std::string& who) {
  TORCH_CHECK_VALUE(
      !update.device().is_cpu() || is_finite(update),
      who,
      ": the update of these gradients is not finite as ",
      update.toString(),
      ".");
}

at::Tensor weighted_sum(const math::Vector& weights, const at::Tensor& rows) {
  const at::Tensor flat = rows.flatten(1);
  const int64_t columns = flat.size(1);
  const auto here = polytask::detail::has_double(rows.device())
      ? rows.options()
      : at::TensorOptions(at::kCPU);
  const at::Tensor factors =
      polytask::detail::host_vector(weights, here.dtype(at::kDouble));
  const auto sum_of = [&](int64_t begin, int64_t count) {
    const at::Tensor part =
        polytask::detail::in_double(flat.narrow(1, begin, count));
    return at::mv(part.t(), factors).to(rows.options());
  };
  const auto shape = rows.sizes().slice(1);
  if (columns <= kBlock || rows.scalar_type() == at::kDouble) {
    return sum_of(0, columns).reshape(shape);
  }
  at::Tensor sum = at::empty({columns}, rows.options());
  for (int64_t begin = 0; begin < columns; begin += kBlock) {
    const int64_t count = std::min(kBlock, columns - begin);
    sum.narrow(0, begin, count).copy_(sum_of(begin, count));
  }
  return sum.reshape(shape);
}

at::Tensor plain_weighted_sum(
    const math::Vector& weights, const at::Tensor& rows) {
  if (rows.scalar_type() != at::kFloat) {
    return weighted_sum(weights, rows);
  }
  const at::Tensor factors =
      polytask::detail::host_vector(weights, rows.options());
  return at::mv(rows.flatten(1).t(), factors).reshape(rows.sizes().slice(1));
}

} // namespace polytask::balancing::detail
