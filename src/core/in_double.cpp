// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/in_double.h"

#include <ATen/ops/empty.h>

#include <map>
#include <mutex>

namespace polytask::detail {

bool has_double(const at::Device& device) {
  if (device.is_cpu()) {
    return true;
  }
  static std::mutex guard;
  static std::map<at::DeviceType, bool> known;
  const std::lock_guard<std::mutex> lock(guard);
  const auto found = known.find(device.type());
  if (found != known.end()) {
    return found->second;
  }
  bool has = true;
  try {
    at::empty({1}, at::TensorOptions(device).dtype(at::kDouble));
  } catch (const c10::OutOfMemoryError&) {
    return true;
  } catch (const c10::Error&) {
    has = false;
  }
  known.emplace(device.type(), has);
  return has;
}

at::ScalarType widest_float(const at::Device& device) {
  return has_double(device) ? at::kDouble : at::kFloat;
}

at::Tensor where_double_is(const at::Tensor& tensor) {
  return has_double(tensor.device()) ? tensor : tensor.to(at::kCPU);
}

at::Tensor in_double(const at::Tensor& tensor) {
  return where_double_is(tensor).to(at::kDouble);
}

double sum_in_double(const at::Tensor& tensor) {
  return in_double(tensor).sum().item<double>();
}

} // namespace polytask::detail
