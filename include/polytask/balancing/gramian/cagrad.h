// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/gramian_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API CAGradOptions {
  enum class Rescale {
    kNone,
    /// 1 / (1 + c²), as in the authors' experiments and LibMTL.
    kSquare,
    /// 1 / (1 + c).
    kLinear,
  };

  /// The update where |g_w| is 0, which is where no update helps all tasks.
  enum class Stationary {
    /// The nearest to g_0 that harms no task: of all that are best for the task
    /// for which they are worst, and what the solution tends to.
    kProjection,
    /// g_0, as the epsilons in the authors' code and in LibMTL have it.
    kMean,
  };

  /// How far the update may be from the mean gradient, in units of that one's
  /// length; at least 0.
  TORCH_ARG(double, c) = 0.5;
  /// By what the update is multiplied in the end.
  TORCH_ARG(Rescale, rescale) = Rescale::kNone;
  /// As TorchJD, which has 1e-4: no update where |g_w| is below this part of
  /// |J|, or |J|² below it. Then small gradients and small rows stop training.
  TORCH_ARG(double, norm_eps) = 0;
  TORCH_ARG(Stationary, stationary) = Stationary::kProjection;
  /// Where positive, the best of so many points of a descent from equal
  /// weights on their logits, as in the authors' code for reinforcement
  /// learning (21), in place of the solution.
  TORCH_ARG(int64_t, iterations) = 0;
  /// Of that descent.
  TORCH_ARG(double, lr) = 25;
  TORCH_ARG(double, momentum) = 0.5;
};

/// The update within c |g_0| of the mean gradient g_0 that is best for the task
/// for which it is worst: g_0 + c |g_0| / |g_w| g_w, where g_w = Jᵀ w and w is
/// the argmin of <g_w, g_0> + c |g_0| |g_w| over w ≥ 0, Σ w = 1.
///
/// Where g_w is 0 (to the rounding of the gradients: tasks that are Pareto
/// stationary), every update within c |g_0| that harms no task is as good; it
/// is the one nearest to g_0, or g_0 itself by option. TorchJD gives 0 there.
///
/// Source: B. Liu, X. Liu, X. Jin, P. Stone, Q. Liu, "Conflict-averse gradient
/// descent for multi-task learning", NeurIPS 2021, algorithm 1.
class POLYTASK_API CAGrad : public Described<CAGrad, GramianBalancing> {
 public:
  explicit CAGrad(CAGradOptions options = {});
  static const detail::Description& description();

 protected:
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;

 private:
  CAGradOptions options_;
};

} // namespace polytask::balancing
