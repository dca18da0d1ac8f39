// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/gramian_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API PCGradOptions {
  /// Project a task's gradient on its own original too, where the others'
  /// projections have turned it against that; LibMTL does, the paper does not.
  TORCH_ARG(bool, own_index) = false;
  /// Added to |g_j|² in the denominator; LibMTL adds 1e-8, which is seen where
  /// gradients are shorter than 1e-3.
  TORCH_ARG(double, eps) = 0;
};

/// Each task's gradient is projected on the normal plane of every other that it
/// conflicts with, in random order; the update is the sum:
/// x = g_i; for j ≠ i: if x·g_j < 0, x ← x - (x·g_j) / |g_j|² g_j.
///
/// Extras: "permutations" [T, T], the order in which each task meets the
/// others.
///
/// Source: T. Yu, S. Kumar, A. Gupta, S. Levine, K. Hausman, C. Finn, "Gradient
/// surgery for multi-task learning", NeurIPS 2020, algorithm 1.
class POLYTASK_API PCGrad : public Described<PCGrad, GramianBalancing> {
 public:
  explicit PCGrad(PCGradOptions options = {}) : options_(options) {
    check_options();
  }
  static const detail::Description& description();

 protected:
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;
  bool is_random() const override {
    return true;
  }

 private:
  PCGradOptions options_;
};

} // namespace polytask::balancing
