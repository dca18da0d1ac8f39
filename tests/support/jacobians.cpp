// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "jacobians.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randperm.h>

#include <algorithm>
#include <optional>

namespace polytask::testing {

namespace {

at::Tensor normal(int64_t rows, int64_t columns, const at::Generator& source) {
  return at::randn({rows, columns}, std::optional(source), at::kDouble);
}

// Without the part that a positive combination would leave.
at::Tensor without_positive_sum(
    const at::Tensor& rows, const at::Generator& source) {
  at::Tensor weights =
      0.1 + at::rand({rows.size(0)}, std::optional(source), at::kDouble);
  weights = weights / weights.norm();
  return rows - at::outer(weights, rows.t().mv(weights));
}

at::Tensor coordinates(
    RowsAre kind, const JacobianShape& shape, const at::Generator& source) {
  at::Tensor rows = normal(shape.tasks, shape.rank, source);
  const int64_t last = shape.rank - 1;
  switch (kind) {
    case RowsAre::kNormal:
      return rows;
    case RowsAre::kStronglyStationary:
      return without_positive_sum(rows, source);
    case RowsAre::kNotStationary:
      rows.select(1, last).abs_().add_(0.1);
      return rows;
    case RowsAre::kWeaklyStationary:
      break;
  }
  const int64_t tied =
      2 + at::randint(shape.tasks - 2, {1}, source, at::kLong).item<int64_t>();
  rows.narrow(0, 0, tied)
      .copy_(without_positive_sum(rows.narrow(0, 0, tied), source));
  rows.narrow(0, 0, tied).select(1, last).zero_();
  rows.narrow(0, tied, shape.tasks - tied).select(1, last).abs_();
  return rows;
}

} // namespace

at::Tensor sample_jacobian(
    RowsAre rows,
    const JacobianShape& shape,
    at::ScalarType type,
    double scale,
    uint64_t seed) {
  const at::Generator source = at::detail::createCPUGenerator(seed);
  const at::Tensor basis =
      std::get<0>(at::linalg_qr(normal(shape.columns, shape.rank, source)));
  const at::Tensor jacobian =
      at::mm(coordinates(rows, shape, source), basis.t());
  const at::Tensor order =
      at::randperm(shape.tasks, std::optional(source), at::kLong);
  return (scale * jacobian.index_select(0, order)).to(type);
}

at::Tensor sample_order(int64_t count, uint64_t seed) {
  const at::Generator source = at::detail::createCPUGenerator(seed + 1);
  return at::randperm(count, std::optional(source), at::kLong);
}

} // namespace polytask::testing
