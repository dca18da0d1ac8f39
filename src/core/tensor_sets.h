// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <unordered_set>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::detail {

/// Tensors by identity.
class TensorSet {
 public:
  TensorSet() = default;
  explicit TensorSet(const std::vector<at::Tensor>& tensors) {
    for (const auto& tensor : tensors) {
      add(tensor);
    }
  }
  /// Whether it was not in the set yet.
  bool add(const at::Tensor& tensor) {
    return tensors_.insert(tensor.unsafeGetTensorImpl()).second;
  }
  bool has(const at::Tensor& tensor) const {
    return tensors_.count(tensor.unsafeGetTensorImpl()) != 0;
  }

 private:
  std::unordered_set<const c10::TensorImpl*> tensors_;
};

/// The tensors in their order, each once: two handles of one tensor are the
/// same tensor, two tensors of equal values are not.
POLYTASK_API std::vector<at::Tensor> unique_tensors(
    const std::vector<at::Tensor>& tensors);

/// The tensors of several lists, each once.
POLYTASK_API std::vector<at::Tensor> joined(
    const std::vector<std::vector<at::Tensor>>& lists);

/// The tensors that are not among `others`, by identity.
POLYTASK_API std::vector<at::Tensor> without(
    const std::vector<at::Tensor>& tensors,
    const std::vector<at::Tensor>& others);

/// The number of elements of all tensors together.
POLYTASK_API int64_t count_elements(const std::vector<at::Tensor>& tensors);

} // namespace polytask::detail
