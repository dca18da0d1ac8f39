// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/batch.h>

namespace polytask::detail {

struct DueInput;
using DueInputs = std::vector<DueInput>;

/// Whether somebody still has to look for NaN in an input of a batch; copies of
/// the batch share what was found. Threads may ask and settle at once.
class POLYTASK_API InputLook {
 public:
  bool is_due() const {
    return is_due_.load(std::memory_order_relaxed);
  }
  /// The input holds no NaN.
  void settle() {
    is_due_.store(false, std::memory_order_relaxed);
  }

  /// Inputs of the batch, or that of one part, through which nobody has looked.
  static DueInputs due_in(const Batch& batch);
  static DueInputs due_in(const Batch& batch, const Batch::Part& part);
  static bool is_due_in(const Batch& batch) {
    if (batch.looks_ == nullptr) {
      return false;
    }
    return batch.shares_input_ ? batch.looks_[0].is_due() : is_due_apart(batch);
  }
  static bool is_due_in(const Batch& batch, const Batch::Part& part) {
    const InputLook* const look = of(batch, part);
    return look != nullptr && look->is_due();
  }

 private:
  static bool is_due_apart(const Batch& batch);
  /// Null where none is wanted.
  static InputLook* of(const Batch& batch, const Batch::Part& part) {
    if (batch.looks_ == nullptr) {
      return nullptr;
    }
    const auto place = batch.shares_input_ ? 0 : &part - batch.parts_.data();
    return &batch.looks_[place];
  }

  std::atomic<bool> is_due_{true};
};

struct DueInput {
  InputLook* look;
  const Inputs* inputs;
  /// Empty where all tasks share the input.
  std::string task;
};

/// Looks through those whose look is still due, waiting once for a device, and
/// settles them. Throws `c10::ValueError`, by name, on the first that holds
/// NaN, and then settles none.
POLYTASK_API void look_through(const DueInputs& inputs);

} // namespace polytask::detail
