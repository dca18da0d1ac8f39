// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "products.h"

#include "../kernels/gemm.h"
#include "../kernels/rectify.h"

namespace polytask::detail {

namespace {

bool is_host_real(const torch::Tensor& tensor) {
  return tensor.device().is_cpu() && tensor.is_contiguous() &&
      (tensor.scalar_type() == torch::kFloat ||
       tensor.scalar_type() == torch::kDouble);
}

template <typename Scalar>
void products_as(
    const torch::Tensor& slopes,
    int64_t begin,
    int64_t end,
    const torch::Tensor& input,
    torch::Tensor& rows) {
  const int64_t batch = slopes.size(1);
  const int64_t outputs = slopes.size(2);
  const int64_t width = input.size(1);
  const auto* from = slopes.const_data_ptr<Scalar>() + begin;
  auto* to = rows.data_ptr<Scalar>();
  for (int64_t task = 0; task < slopes.size(0); ++task) {
    gemm(
        end - begin,
        width,
        batch,
        MatrixView<Scalar>{from + task * batch * outputs, outputs, true},
        MatrixView<Scalar>{input.const_data_ptr<Scalar>(), width},
        to + task * rows.stride(0),
        width);
  }
}

template <typename Scalar>
void sums_as(const torch::Tensor& slopes, torch::Tensor& sums) {
  const int64_t size = slopes.size(1) * slopes.size(2);
  for (int64_t task = 0; task < slopes.size(0); ++task) {
    sum_rows(
        slopes.const_data_ptr<Scalar>() + task * size,
        slopes.size(1),
        slopes.size(2),
        sums.data_ptr<Scalar>() + task * sums.stride(0));
  }
}

} // namespace

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
    int64_t begin,
    int64_t end,
    const torch::Tensor& input,
    torch::Tensor& rows) {
  if (is_host_real(slopes) && is_host_real(input) && rows.stride(1) == 1) {
    if (slopes.scalar_type() == torch::kFloat) {
      products_as<float>(slopes, begin, end, input, rows);
    } else {
      products_as<double>(slopes, begin, end, input, rows);
    }
    return;
  }
  const torch::Tensor products = torch::matmul(
      slopes.narrow(2, begin, end - begin).transpose(1, 2), input);
  rows.narrow(1, 0, products.size(1) * products.size(2))
      .copy_(products.flatten(1));
}

void sum_over_rows(const torch::Tensor& slopes, torch::Tensor sums) {
  if (is_host_real(slopes) && sums.stride(1) == 1) {
    if (slopes.scalar_type() == torch::kFloat) {
      sums_as<float>(slopes, sums);
    } else {
      sums_as<double>(slopes, sums);
    }
    return;
  }
  sums.copy_(slopes.sum(1));
}

} // namespace polytask::detail
