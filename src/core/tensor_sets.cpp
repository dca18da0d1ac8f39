// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/tensor_sets.h"

namespace polytask::detail {

std::vector<at::Tensor> unique_tensors(const std::vector<at::Tensor>& tensors) {
  return without(tensors, {});
}

std::vector<at::Tensor> without(
    const std::vector<at::Tensor>& tensors,
    const std::vector<at::Tensor>& others) {
  TensorSet seen(others);
  std::vector<at::Tensor> rest;
  for (const auto& tensor : tensors) {
    if (tensor.defined() && seen.add(tensor)) {
      rest.push_back(tensor);
    }
  }
  return rest;
}

std::vector<at::Tensor> joined(
    const std::vector<std::vector<at::Tensor>>& lists) {
  std::vector<at::Tensor> all;
  for (const auto& list : lists) {
    all.insert(all.end(), list.begin(), list.end());
  }
  return unique_tensors(all);
}

int64_t count_elements(const std::vector<at::Tensor>& tensors) {
  int64_t count = 0;
  for (const auto& tensor : tensors) {
    count += tensor.numel();
  }
  return count;
}

} // namespace polytask::detail
