// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/balancing/balancing.h>

namespace polytask::balancing {

/// A method that reads the gradients element by element, or keeps some of them
/// from step to step: the update may lie outside of their span.
class POLYTASK_API JacobianBalancing : public Balancing {
 public:
  Reads reads() const final {
    return Reads::kJacobian;
  }

  /// The update [...] for a Jacobian [T, ...] of any shape, of its dtype and
  /// device. Throws unless it is floating-point and, on the CPU, finite.
  at::Tensor direction(const at::Tensor& jacobian, const Extras& extras = {});

  /// Whether each element of the update depends on that column of the Jacobian
  /// alone, so that each of several processes may find its own part of it. It
  /// then gets `extras["columns"]`: the first of its columns, and how many the
  /// whole has; random numbers are to be those of the whole.
  virtual bool is_separable() const {
    return false;
  }

 protected:
  /// The update [N] for a Jacobian [T, N], T = `tasks()`. The next step may
  /// write its rows to the same memory: clone what is to be kept.
  virtual at::Tensor combine(
      const at::Tensor& jacobian, const Extras& extras) = 0;
};

} // namespace polytask::balancing
