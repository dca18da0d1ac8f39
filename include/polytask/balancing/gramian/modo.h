// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/gramian/three_batches.h>

namespace polytask::balancing {

struct POLYTASK_API MoDoOptions {
  /// The step of the weights; LibMTL has 1e-3.
  TORCH_ARG(double, gamma) = 0.1;
  /// How strongly they are drawn to be equal.
  TORCH_ARG(double, rho) = 0.1;
};

/// Weights that descend towards the shortest vector in the hull, one step for
/// each of the model's, by a gradient without bias: with Jacobians of three
/// independent batches, λ ← Π(λ - γ (J_1 J_2ᵀ λ + ρ λ)), from 1/T, where Π is
/// the projection on the simplex; the update is J_3ᵀ λ. The gradients' unit
/// matters beside γ.
///
/// Needs three batches for each step. The matrix that `weights` takes is
/// J_1 J_2ᵀ. Extras of `direction`: "jacobian_1", "jacobian_2", "jacobian_3",
/// the first and the last of which are the main input where they are absent. In
/// a step of some tasks only, these share all weight. State: "weights" [T].
///
/// Source: L. Chen, H. Fernando, Y. Ying, T. Chen, "Three-way trade-off in
/// multi-objective learning: optimization, generalization and
/// conflict-avoidance", NeurIPS 2023, algorithm 1.
class POLYTASK_API MoDo : public Described<MoDo, ThreeBatches> {
 public:
  explicit MoDo(MoDoOptions options = {});
  static const detail::Description& description();

 protected:
  void start() override;
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;

 private:
  MoDoOptions options_;
};

} // namespace polytask::balancing
