// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/bilevel_balancing.h>
#include <polytask/balancing/described.h>
#include <polytask/balancing/gramian/mgda.h>

namespace polytask::balancing {

struct POLYTASK_API MOMLOptions {
  /// Adam's rate for the logits.
  TORCH_ARG(double, outer_lr) = 1e-3;
  /// η, of the trial step.
  TORCH_ARG(double, inner_lr) = 0.1;
  /// Of the shortest vector; LibMTL's are the pairs.
  TORCH_ARG(MGDAOptions::Solver, solver) = MGDAOptions::Solver::kExact;
};

/// Learns weights that lower all tasks' losses on other data after one step
/// with them. With F [T, N] the gradients at θ on the inner batch, θ' = θ - η
/// Fᵀ z and F' those at θ' on the outer batch, the outer losses' gradients for
/// the logits are the rows of
///
///   H = -η F' Fᵀ S,   S = diag(z) - z zᵀ.
///
/// They are divided by their lengths; the shortest vector in their convex hull
/// is what Adam follows. A row of zeros stays one.
///
/// Cost: 2 T backward passes for one inner step, all parameters twice for each
/// task. State: that of `BilevelBalancing`.
///
/// Source: F. Ye, B. Lin, Z. Yue, P. Guo, Q. Xiao, Y. Zhang, "Multi-objective
/// meta learning", NeurIPS 2021. As in LibMTL, a single inner step: H is exact
/// then, for no second derivative stands in it. The paper has several.
class POLYTASK_API MOML : public Described<MOML, BilevelBalancing> {
 public:
  /// Throws unless the rates are positive.
  explicit MOML(MOMLOptions options = {});
  static const detail::Description& description();

 protected:
  Update compute(BilevelProblem& problem) override;

 private:
  MOMLOptions options_;
};

} // namespace polytask::balancing
