// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/core/gradient_report.h>

#include <ATen/ATen.h>

namespace polytask {

at::Tensor GradientReport::norms() const {
  return gramian.diagonal().sqrt();
}

at::Tensor GradientReport::cosines() const {
  const at::Tensor lengths = norms();
  const at::Tensor products = lengths.outer(lengths);
  return at::where(products > 0, gramian / products, 0.0).clamp(-1, 1);
}

at::Tensor GradientReport::conflicts() const {
  return gramian.lt(0).to(at::kDouble);
}

at::Tensor GradientReport::shares() const {
  if (!weights.defined()) {
    return {};
  }
  const at::Tensor parts = weights * at::mv(gramian, weights);
  const at::Tensor whole = parts.sum();
  return at::where(whole > 0, parts / whole, 0.0);
}

} // namespace polytask
