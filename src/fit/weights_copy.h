// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <polytask/model/multi_task_model.h>

namespace polytask::fit::detail {

/// The model's parameters and, where wanted, its buffers, by name, no tensor
/// twice.
std::vector<std::pair<std::string, at::Tensor>> weights_of(
    const MultiTaskModelImpl& model, bool buffers);

/// Copies of a model's parameters and buffers.
class WeightsCopy {
 public:
  bool is_empty() const {
    return copies_.empty();
  }
  /// In its own memory, which is used again.
  void take(const MultiTaskModelImpl& model);
  /// Why it is not this model's: which tensor is another one. Empty where it
  /// fits, and where it is empty.
  std::string misfit(const MultiTaskModelImpl& model) const;
  /// Throws, and changes nothing, where it does not fit.
  void give(MultiTaskModelImpl& model) const;

  /// By name; to be written and read.
  const std::map<std::string, at::Tensor>& tensors() const {
    return copies_;
  }
  /// Holds nothing afterwards, and says so, where they are not this model's.
  void load(
      std::map<std::string, at::Tensor> tensors,
      const MultiTaskModelImpl& model);

 private:
  std::map<std::string, at::Tensor> copies_;
};

} // namespace polytask::fit::detail
