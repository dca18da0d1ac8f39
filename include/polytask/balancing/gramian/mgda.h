// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/gramian_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API MGDAOptions {
  enum class Solver {
    /// The shortest vector itself.
    kExact,
    /// Frank-Wolfe steps from equal weights, as in TorchJD.
    kFrankWolfe,
    /// The best pair of rows, then projected steps, as in LibMTL.
    kPairs,
  };
  /// By what a row is divided before.
  enum class Normalization { kNone, kLength, kLoss, kLossAndLength };

  TORCH_ARG(Solver, solver) = Solver::kExact;
  /// Frank-Wolfe ends with a step below this, or after `max_iters`.
  TORCH_ARG(double, epsilon) = 1e-3;
  TORCH_ARG(int64_t, max_iters) = 100;
  TORCH_ARG(Normalization, normalization) = Normalization::kNone;
  /// Combine the rows as they were divided, as LibMTL does, not as they are.
  TORCH_ARG(bool, combine_normalized) = false;
};

/// The shortest vector in the convex hull of the gradients: argmin of |Jᵀ w|²
/// over w ≥ 0, Σ w = 1. It harms no task; it is 0 where the tasks are Pareto
/// stationary, and wherever a gradient is 0.
///
/// Rows can be divided before by their length, their loss, or both; the losses
/// are then read. The other solvers are for comparison: Frank-Wolfe as it
/// usually ends is off by some percent for five and more tasks, the pairs give
/// at least 0.001 to either of two.
///
/// Source: J.-A. Désidéri, "Multiple-gradient descent algorithm (MGDA) for
/// multiobjective optimization", Comptes Rendus Mathématique 2012; O. Sener, V.
/// Koltun, "Multi-task learning as multi-objective optimization", NeurIPS 2018,
/// algorithm 2.
class POLYTASK_API MGDA : public Described<MGDA, GramianBalancing> {
 public:
  explicit MGDA(MGDAOptions options = {});
  static const detail::Description& description();
  bool wants_losses() const override;

 protected:
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;

 private:
  math::Vector divisors(
      const math::Matrix& gramian, const Extras& extras) const;
  math::Vector shortest(const math::Matrix& gramian) const;

  MGDAOptions options_;
};

} // namespace polytask::balancing
