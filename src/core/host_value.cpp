// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/host_value.h"

#include <ATen/EmptyTensor.h>

#include <algorithm>
#include <utility>

namespace polytask::detail {

std::optional<double> host_value(const at::Tensor& scalar) {
  if (!scalar.device().is_cpu()) {
    return std::nullopt;
  }
  switch (scalar.scalar_type()) {
    case at::kFloat:
      return *scalar.const_data_ptr<float>();
    case at::kDouble:
      return *scalar.const_data_ptr<double>();
    default:
      return scalar.item().toDouble();
  }
}

// Reading a contiguous host tensor goes without the dispatcher.
void copy_to_host(const at::Tensor& from, double* to) {
  const bool is_plain = from.device().is_cpu() && from.is_contiguous();
  const auto count = from.numel();
  if (is_plain && from.scalar_type() == at::kDouble) {
    std::copy_n(from.const_data_ptr<double>(), count, to);
  } else if (is_plain && from.scalar_type() == at::kFloat) {
    std::copy_n(from.const_data_ptr<float>(), count, to);
  } else {
    const at::Tensor here =
        from.detach().to(at::kCPU).to(at::kDouble).contiguous();
    std::copy_n(here.const_data_ptr<double>(), count, to);
  }
}

std::vector<double> host_values(const at::Tensor& tensor) {
  std::vector<double> values(static_cast<size_t>(tensor.numel()));
  copy_to_host(tensor, values.data());
  return values;
}

namespace {

template <typename Scalar>
void write_values(const std::vector<double>& values, Scalar* to) {
  for (const double value : values) {
    *to++ = static_cast<Scalar>(value);
  }
}

} // namespace

std::pair<at::Tensor, at::Tensor> host_vectors(
    const std::vector<double>& first,
    const std::vector<double>& second,
    at::ScalarType type) {
  const auto size = static_cast<int64_t>(first.size());
  at::Tensor both = at::detail::empty_cpu({2 * size}, type);
  if (type == at::kFloat) {
    auto* to = both.mutable_data_ptr<float>();
    write_values(first, to);
    write_values(second, to + size);
  } else {
    auto* to = both.mutable_data_ptr<double>();
    write_values(first, to);
    write_values(second, to + size);
  }
  at::Tensor other = at::detail::make_tensor<c10::TensorImpl>(
      c10::Storage(both.storage()), both.key_set(), both.dtype());
  both.unsafeGetTensorImpl()->set_sizes_contiguous({size});
  other.unsafeGetTensorImpl()->set_storage_offset(size);
  other.unsafeGetTensorImpl()->set_sizes_contiguous({size});
  return {std::move(both), std::move(other)};
}

at::Tensor host_vector(
    const std::vector<double>& values, const at::TensorOptions& options) {
  const auto size = static_cast<int64_t>(values.size());
  const auto type = c10::typeMetaToScalarType(options.dtype());
  const auto store = type == at::kFloat ? at::kFloat : at::kDouble;
  at::Tensor vector = at::detail::empty_cpu({size}, store);
  if (store == at::kFloat) {
    write_values(values, vector.mutable_data_ptr<float>());
  } else {
    write_values(values, vector.mutable_data_ptr<double>());
  }
  // Even a conversion that has nothing to do costs a dispatch.
  if (store == type && options.device().is_cpu()) {
    return vector;
  }
  // Pageable memory is read before the call returns, so it may be given back.
  return vector.to(options.device(), type, /*non_blocking=*/true);
}

} // namespace polytask::detail
