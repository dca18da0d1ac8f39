// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "plan/plan.h"

namespace polytask::detail {

/// Lets gradients add up: routes write those of their own step alone, so what
/// stands in `.grad` before is put aside and added afterwards.
class KeptGradients {
 public:
  /// Does `action`, which writes gradients, and adds those that were there, as
  /// autograd does: in their own memory. If it throws, they are there again.
  template <typename Action>
  auto add_to(const Plan& plan, Action&& action) {
    take(plan);
    try {
      auto result = action();
      add();
      return result;
    } catch (...) {
      put_back();
      throw;
    }
  }

  /// The gradients that stand there now may lie in memory to which a route will
  /// write again.
  void note_written() {
    is_written_ = true;
  }

 private:
  struct Kept {
    at::Tensor parameter;
    at::Tensor gradient; // undefined where there was none
  };

  void take(const Plan& plan);
  void add();
  void put_back();

  std::vector<Kept> kept_;
  bool is_written_ = false;
};

} // namespace polytask::detail
