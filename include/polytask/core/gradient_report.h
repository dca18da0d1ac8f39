// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <polytask/core/api.h>

namespace polytask {

/// How the tasks' gradients stood to each other in one step. All are in double
/// on the CPU; a task that took no part has zeros.
struct POLYTASK_API GradientReport {
  /// [T, T]: inner products of the gradients for the shared parameters.
  at::Tensor gramian;
  /// [T]: the factor of each gradient in the update; undefined for a method
  /// whose update is no combination of them.
  at::Tensor weights;

  /// [T]: the gradients' lengths.
  at::Tensor norms() const;
  /// [T, T]: the cosine of each pair; 0 where a gradient is 0.
  at::Tensor cosines() const;
  /// [T, T] of 0 and 1: whether a pair's cosine is negative.
  at::Tensor conflicts() const;
  /// [T]: w_t <g_t, d> / |d|² for the update d = Σ w_t g_t: what part of it is
  /// a task's own. They sum to 1, unless d is 0. Undefined without weights.
  at::Tensor shares() const;
};

} // namespace polytask
