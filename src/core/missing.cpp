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

// Calls `look(data, is_missing)`; nothing where it takes more than a pass over
// the memory.
template <typename Look>
std::optional<int64_t> look_in_memory(
    const at::Tensor& values, int64_t ignore_index, const Look& look) {
  if (!values.device().is_cpu() || !values.is_contiguous()) {
    return std::nullopt;
  }
  const auto is_nan = [](auto value) { return value != value; };
  const auto is_ignored = [ignore_index](auto value) {
    return static_cast<int64_t>(value) == ignore_index;
  };
  switch (values.scalar_type()) {
    case at::kFloat:
      return look(values.const_data_ptr<float>(), is_nan);
    case at::kDouble:
      return look(values.const_data_ptr<double>(), is_nan);
    case at::kHalf:
      return look(values.const_data_ptr<at::Half>(), is_nan);
    case at::kBFloat16:
      return look(values.const_data_ptr<at::BFloat16>(), is_nan);
    case at::kLong:
      return look(values.const_data_ptr<int64_t>(), is_ignored);
    case at::kInt:
      return look(values.const_data_ptr<int32_t>(), is_ignored);
    default:
      return std::nullopt;
  }
}

std::optional<int64_t> count_in_memory(
    const at::Tensor& values, int64_t ignore_index) {
  return look_in_memory(
      values, ignore_index, [&](const auto* data, const auto& is_missing) {
        const int64_t size = values.numel();
        int64_t count = 0;
        for (int64_t i = 0; i < size; ++i) {
          count += is_missing(data[i]);
        }
        return count;
      });
}

// The place of the first element that is there, or past the last.
std::optional<int64_t> find_in_memory(
    const at::Tensor& values, int64_t ignore_index) {
  return look_in_memory(
      values, ignore_index, [&](const auto* data, const auto& is_missing) {
        const int64_t size = values.numel();
        int64_t i = 0;
        while (i < size && is_missing(data[i])) {
          ++i;
        }
        return i;
      });
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

bool has_present(const at::Tensor& values, int64_t ignore_index) {
  if (!values.defined() || values.numel() == 0) {
    return false;
  }
  if (!may_miss(values)) {
    return true;
  }
  if (const auto first = find_in_memory(values, ignore_index)) {
    return *first < values.numel();
  }
  return count_missing({values}, ignore_index)[0] < values.numel();
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
