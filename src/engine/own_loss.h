// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <polytask/sharing/sharing.h>

#include <utility>
#include <vector>

namespace polytask::detail {

/// The loss that a sharing has by itself, in one step. A step of n batches adds
/// one n-th of it for each.
class OwnLoss {
 public:
  /// At the beginning of a step of so many forwards.
  void reset(int64_t forwards = 1);

  /// After a forward with a graph for these tasks. Throws where it is no scalar
  /// or, where that is to be looked at, not finite.
  void find(Sharing& sharing, c10::ArrayRef<int64_t> tasks, bool is_checked);
  /// That of the last forward, times its part and `scale`, to be differentiated
  /// with the losses of the tasks. Undefined where there is none.
  at::Tensor take(double scale);
  /// The same by itself, while the graph of the forward stands; `publish` adds
  /// these gradients to `.grad` when all others are there.
  void differentiate(double scale);
  /// Before the same forwards come once more.
  void forget() {
    gradients_.clear();
    value_.reset();
  }
  void publish();

  /// Of the step so far, for its report; undefined where there is none.
  const at::Tensor& value() const {
    return value_;
  }
  /// The same as a number, 0 where there is none.
  double number() const;
  /// The same of all processes.
  void note(double number, const at::TensorOptions& options);
  /// Whether some step had one.
  bool is_used() const {
    return is_used_;
  }

 private:
  double part_ = 1;
  at::Tensor found_;
  at::Tensor value_;
  std::vector<std::pair<at::Tensor, at::Tensor>> gradients_; // of leaves
  bool is_used_ = false;
};

} // namespace polytask::detail
