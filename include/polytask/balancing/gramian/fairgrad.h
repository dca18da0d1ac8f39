// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/gramian_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API FairGradOptions {
  /// 0 is the mean gradient, 1 Nash-MTL's proportional fairness without its
  /// clipping; larger ones look at the task that gains least.
  TORCH_ARG(double, alpha) = 1;
};

/// α-fair weights: w > 0 with (G w)_k = w_k^(-1/α).
///
/// Zero rows have weight 0. Where the rows that remain are Pareto stationary
/// there is no solution: the weights are then those of the shortest vector in
/// the hull, 0 up to rounding, with Σ w_k |g_k| = 1. The references' solver
/// stops anywhere in both cases, and where the rows' lengths are far apart.
///
/// Source: H. Ban, K. Ji, "Fair resource allocation in multi-task learning",
/// ICML 2024, algorithm 1.
class POLYTASK_API FairGrad : public Described<FairGrad, GramianBalancing> {
 public:
  explicit FairGrad(FairGradOptions options = {});
  static const detail::Description& description();

 protected:
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;

 private:
  FairGradOptions options_;
};

} // namespace polytask::balancing
