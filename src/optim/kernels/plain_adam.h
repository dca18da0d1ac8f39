// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace polytask::optim::detail {

/// Of one step of Adam or AdamW.
struct AdamStep {
  double rate;
  double beta1;
  double beta2;
  double eps;
  double decay;
  /// Of the parameter itself, as in AdamW; else added to the gradient.
  bool decays_apart;
  /// 1 - β₁ᵗ and √(1 - β₂ᵗ).
  double correction1;
  double correction2_root;
};

/// One parameter's memory, each [count].
template <typename Scalar>
struct AdamArrays {
  Scalar* parameter;
  const Scalar* gradient;
  Scalar* average;
  Scalar* square;
  /// Of AMSGrad; null without.
  Scalar* greatest_square;
  int64_t count;
};

/// Rounded as LibTorch's kernels do, but for the last bits.
void plain_adam(const AdamArrays<float>& arrays, const AdamStep& step);
void plain_adam(const AdamArrays<double>& arrays, const AdamStep& step);

} // namespace polytask::optim::detail
