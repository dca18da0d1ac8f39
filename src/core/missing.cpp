// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/missing.h"

#include <ATen/ops/eq.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include <optional>

namespace polytask::detail {

namespace {

template <typename Scalar>
int64_t count_nan(const at::Tensor& values) {
  const Scalar* data = values.const_data_ptr<Scalar>();
  const int64_t size = values.numel();
  int64_t count = 0;
  for (int64_t i = 0; i < size; ++i) {
    count += data[i] != data[i];
  }
  return count;
}

template <typename Integer>
int64_t count_equal(const at::Tensor& values, int64_t ignore_index) {
  const Integer* data = values.const_data_ptr<Integer>();
  const int64_t size = values.numel();
  int64_t count = 0;
  for (int64_t i = 0; i < size; ++i) {
    count += static_cast<int64_t>(data[i]) == ignore_index;
  }
  return count;
}

// Nothing where it takes more than a pass over the memory.
std::optional<int64_t> count_in_memory(
    const at::Tensor& values, int64_t ignore_index) {
  if (!values.device().is_cpu() || !values.is_contiguous()) {
    return std::nullopt;
  }
  switch (values.scalar_type()) {
    case at::kFloat:
      return count_nan<float>(values);
    case at::kDouble:
      return count_nan<double>(values);
    case at::kHalf:
      return count_nan<at::Half>(values);
    case at::kBFloat16:
      return count_nan<at::BFloat16>(values);
    case at::kLong:
      return count_equal<int64_t>(values, ignore_index);
    case at::kInt:
      return count_equal<int32_t>(values, ignore_index);
    default:
      return std::nullopt;
  }
}

bool may_miss(const at::Tensor& values) {
  return values.defined() &&
      (values.is_floating_point() ||
       at::isIntegralType(values.scalar_type(), /*includeBool=*/false));
}

} // namespace

at::Tensor missing_mask(const at::Tensor& values, int64_t ignore_index) {
  if (values.is_floating_point()) {
    return at::isnan(values);
  }
  if (!may_miss(values)) {
    return at::zeros_like(values, at::kBool);
  }
  return at::eq(values, ignore_index);
}

std::vector<int64_t> count_missing(
    const std::vector<at::Tensor>& tensors, int64_t ignore_index) {
  std::vector<int64_t> counts(tensors.size(), 0);
  std::vector<at::Tensor> on_device;
  std::vector<size_t> places;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const at::Tensor& values = tensors[i];
    if (!may_miss(values)) {
      continue;
    }
    if (const auto count = count_in_memory(values, ignore_index)) {
      counts[i] = *count;
    } else {
      on_device.push_back(missing_mask(values, ignore_index).sum());
      places.push_back(i);
    }
  }
  for (size_t first = 0; first < on_device.size();) {
    size_t last = first + 1;
    while (last < on_device.size() &&
           on_device[last].device() == on_device[first].device()) {
      ++last;
    }
    // One copy to the host, and so one wait, for the whole run.
    const at::Tensor host =
        at::stack(at::TensorList(&on_device[first], last - first)).to(at::kCPU);
    for (size_t i = first; i < last; ++i) {
      counts[places[i]] =
          host.const_data_ptr<int64_t>()[static_cast<ptrdiff_t>(i - first)];
    }
    first = last;
  }
  return counts;
}

} // namespace polytask::detail
