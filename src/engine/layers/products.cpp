// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "products.h"

#include "../kernels/gemm.h"
#include "../kernels/rectify.h"

namespace polytask::detail {

void reserve(
    torch::Tensor& buffer,
    at::IntArrayRef shape,
    const torch::TensorOptions& options) {
  const bool is_same_kind = buffer.defined() &&
      buffer.device() == options.device() &&
      buffer.scalar_type() == c10::typeMetaToScalarType(options.dtype());
  if (!is_same_kind) {
    buffer = torch::empty(shape, options.requires_grad(false));
  } else if (buffer.sizes() != shape) {
    buffer.resize_(shape); // in the memory it has, where that is enough
  }
}

void products_over_rows(
    const torch::Tensor& slopes,
    OutputRange range,
    const torch::Tensor& input,
    const torch::Tensor& rows) {
  const int64_t tasks = rows.size(0);
  const int64_t batch = input.size(0);
  const int64_t outputs = slopes.size(1);
  const int64_t width = input.size(1);
  const int64_t count = range.end - range.begin;
  if (!is_host_real(slopes) || !is_host_real(input) || rows.stride(1) != 1) {
    const torch::Tensor products = torch::matmul(
        slopes.view({tasks, batch, outputs})
            .narrow(2, range.begin, count)
            .transpose(1, 2),
        input);
    rows.narrow(1, 0, count * width).copy_(products.flatten(1));
    return;
  }
  as_real(slopes.scalar_type(), [&](auto zero) {
    using Scalar = decltype(zero);
    const auto* from = slopes.const_data_ptr<Scalar>() + range.begin;
    auto* to = rows.data_ptr<Scalar>();
    for (int64_t task = 0; task < tasks; ++task) {
      gemm(
          count,
          width,
          batch,
          MatrixView<Scalar>{from + task * batch * outputs, outputs, true},
          MatrixView<Scalar>{input.const_data_ptr<Scalar>(), width},
          to + task * rows.stride(0),
          width);
    }
  });
}

void sum_over_rows(
    const torch::Tensor& slopes, const torch::Tensor& rows, int64_t offset) {
  const int64_t tasks = rows.size(0);
  const int64_t batch = slopes.size(0) / tasks;
  const int64_t outputs = slopes.size(1);
  if (!is_host_real(slopes) || rows.stride(1) != 1) {
    rows.narrow(1, offset, outputs)
        .copy_(slopes.view({tasks, batch, outputs}).sum(1));
    return;
  }
  as_real(slopes.scalar_type(), [&](auto zero) {
    using Scalar = decltype(zero);
    for (int64_t task = 0; task < tasks; ++task) {
      sum_rows(
          slopes.const_data_ptr<Scalar>() + task * batch * outputs,
          batch,
          outputs,
          rows.data_ptr<Scalar>() + task * rows.stride(0) + offset);
    }
  });
}

} // namespace polytask::detail
