// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/bilevel_balancing.h>
#include <polytask/balancing/described.h>

namespace polytask::balancing {

struct POLYTASK_API FORUMOptions {
  /// Adam's rate for the logits.
  TORCH_ARG(double, outer_lr) = 1e-3;
  /// Of the steps towards the lower problem's solution, and their number.
  TORCH_ARG(double, inner_lr) = 0.1;
  TORCH_ARG(int64_t, inner_step) = 5;
  /// φ, how fast the lower problem's distance from its solution is to fall.
  TORCH_ARG(double, phi) = 0.1;
};

/// Moves logits and model together, so that all tasks' losses on other data
/// fall while the model stays near the solution of z·L(θ; inner). From θ, a few
/// steps of SGD lead to θ_T; the distance is z·(L(θ; inner) - L(θ_T; inner)),
/// and its gradient for (a, θ), with θ_T held, is
///
///   q = (S (L(θ) - L(θ_T)), ∇ z·L(θ; inner)),   S = diag(z) - z zᵀ.
///
/// With F_k = (0, ∇L_k(θ; outer) / |∇L_k|) and π_k = φ - F_k·q / (|q|² + 1e-8),
/// w in the simplex and v minimise |Σ w_k F_k + v q|² - φ (|q|² + 1e-8) v
/// subject to v ≥ 0, v ≥ Σ w_k π_k. Then λ moves by (e + 1)^(-3/4) (w - λ) in
/// epoch e, counted from 0 by `end_epoch`, and the update is along
///
///   Σ λ_k F_k + ν q,   ν = max(Σ λ_k π_k, 0):
///
/// its part for a by Adam, that for θ, which is as long as unit vectors are, by
/// the model's optimizer. Two batches, {inner, outer}.
///
/// The steps of SGD end where z·L exceeds 1e5. A gradient of zeros stays one,
/// and a q shorter than 1e-8 counts as 0.
///
/// Cost: T + `inner_step` backward passes, all parameters once for each task.
/// State: that of `BilevelBalancing`, "lambda" [T] and "epoch".
///
/// Source: F. Ye, B. Lin, X. Cao, Y. Zhang, I. Tsang, "A first-order
/// multi-gradient algorithm for multi-objective bi-level optimization", ECAI
/// 2024, algorithm 1, as in LibMTL: within the first epoch λ is w. The
/// quadratic problem is solved exactly, there by a general solver.
class POLYTASK_API FORUM : public Described<FORUM, BilevelBalancing> {
 public:
  /// Throws unless the rates are positive, there is a step, and φ is at least
  /// 0.
  explicit FORUM(FORUMOptions options = {});
  static const detail::Description& description();
  int64_t batches() const override {
    return 2;
  }
  void end_epoch() override;
  bool counts_epochs() const override {
    return true;
  }

 protected:
  void start() override;
  Update compute(BilevelProblem& problem) override;

 private:
  struct Lower {
    math::Vector logits;   // [T], q's part for a
    at::Tensor parameters; // [N], that for θ
  };
  Lower lower_direction(BilevelProblem& problem) const;
  math::Vector next_lambda(const math::Vector& weights);

  FORUMOptions options_;
};

} // namespace polytask::balancing
