// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/missing.h"

#include <ATen/ops/eq.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

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

bool is_plain(const at::Tensor& values, at::ScalarType type) {
  return values.device().is_cpu() && values.scalar_type() == type &&
      values.is_contiguous();
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
    if (is_plain(values, at::kFloat)) {
      counts[i] = count_nan<float>(values);
    } else if (is_plain(values, at::kDouble)) {
      counts[i] = count_nan<double>(values);
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
