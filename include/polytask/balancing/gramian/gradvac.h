// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/gramian_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API GradVacOptions {
  /// The share of a new cosine in its moving average: 0.5 in TorchJD and
  /// LibMTL, 0.01 in the paper.
  TORCH_ARG(double, beta) = 0.5;
  /// Added to the denominators; both libraries have 1e-8, which is seen where
  /// gradients are shorter than 1e-3.
  TORCH_ARG(double, eps) = 0;
};

/// Each task's gradient meets every other in random order, and where their
/// cosine φ is below its moving average φ̂_ij gets as much of the other as makes
/// it φ̂_ij; the update is the sum. x = g_i; for j ≠ i: φ = cos(x, g_j); if
/// φ < φ̂_ij, x ← x + |x| (φ̂ √(1-φ²) - φ √(1-φ̂²)) / (|g_j| √(1-φ̂²)) g_j; then
/// φ̂_ij ← (1-β) φ̂_ij + β φ.
///
/// Zero gradients and ones that other tasks' have made zero have the cosine 0
/// with all, and stay, as do ones that are shorter than the Gramian's rounding,
/// for which GradVacRows reads the rows themselves. A φ̂ of 1 cannot be reached;
/// such a pair is left.
///
/// Extras: "orders" [T, T - 1], the order in which each task meets the others.
/// State: "phi" [T, T], from 0.
///
/// Source: Z. Wang, Y. Tsvetkov, O. Firat, Y. Cao, "Gradient vaccine:
/// investigating and improving multi-task optimization in massively
/// multilingual models", ICLR 2021, algorithm 1.
class POLYTASK_API GradVac : public Described<GradVac, GramianBalancing> {
 public:
  explicit GradVac(GradVacOptions options = {});
  static const detail::Description& description();

 protected:
  bool is_by_pair(const std::string& buffer_name) const override {
    return buffer_name == "phi";
  }
  void start() override;
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;
  bool is_random() const override {
    return true;
  }

 private:
  GradVacOptions options_;
};

} // namespace polytask::balancing
