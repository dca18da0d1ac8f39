// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/jacobian_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API RepresentationGradDropOptions {
  /// In [0, 1], what of a dropped entry passes.
  TORCH_ARG(double, leak) = 0;
};

/// GradDrop as published, on the gradients [T, B, R] of a shared representation
/// z [B, R]: the votes are v_k = Σ_b sign(z_b) g_kb, the draw is that of
/// GradDrop on v with 1e-7 added to its denominator, and one mask of each task
/// serves the whole batch.
///
/// Extras: "representation" [B, R], needed; "uniform" [R] in place of random
/// numbers. The update is for z.
///
/// Source: Z. Chen, J. Ngiam, Y. Huang, T. Luong, H. Kretzschmar, Y. Chai, D.
/// Anguelov, "Just pick a sign: optimizing deep multitask models with gradient
/// sign dropout", NeurIPS 2020, section 3.2.
class POLYTASK_API RepresentationGradDrop
    : public Described<RepresentationGradDrop, JacobianBalancing> {
 public:
  explicit RepresentationGradDrop(RepresentationGradDropOptions options = {});
  static const detail::Description& description();

  bool wants_representation() const override {
    return true;
  }

 protected:
  bool is_random() const override {
    return true;
  }
  at::Tensor combine(const at::Tensor& jacobian, const Extras& extras) override;

 private:
  RepresentationGradDropOptions options_;
};

} // namespace polytask::balancing
