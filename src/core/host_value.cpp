// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/core/host_value.h>

#include <ATen/EmptyTensor.h>

#include <algorithm>

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

at::Tensor host_vector(
    const std::vector<double>& values, const at::TensorOptions& options) {
  const auto size = static_cast<int64_t>(values.size());
  const auto type = c10::typeMetaToScalarType(options.dtype());
  const auto store = type == at::kFloat ? at::kFloat : at::kDouble;
  at::Tensor vector = at::detail::empty_cpu({size}, store);
  if (store == at::kFloat) {
    float* data = vector.mutable_data_ptr<float>();
    for (const double value : values) {
      *data++ = static_cast<float>(value);
    }
  } else {
    std::copy(values.begin(), values.end(), vector.mutable_data_ptr<double>());
  }
  // Even a conversion that has nothing to do costs a dispatch.
  if (store == type && options.device().is_cpu()) {
    return vector;
  }
  // Pageable memory is read before the call returns, so it may be given back.
  return vector.to(options.device(), type, /*non_blocking=*/true);
}

} // namespace polytask::detail
