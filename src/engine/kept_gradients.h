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
  /// Moves all that there are out of `.grad`.
  void take(const Plan& plan);
  /// Adds them to what is there now, as autograd does: in their own memory.
  void add();
  /// Makes them the gradients again.
  void put_back();

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

  std::vector<Kept> kept_;
  bool is_written_ = false;
};

} // namespace polytask::detail
