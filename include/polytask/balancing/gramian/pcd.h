// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <vector>

#include <polytask/balancing/described.h>
#include <polytask/balancing/gramian_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API PCDOptions {
  /// τ, by which every secondary task gains at least: one for all, or one for
  /// each of them.
  TORCH_ARG(std::vector<double>, tau) = { 0.02 };
  /// Of the squared lengths' moving average.
  TORCH_ARG(double, beta) = 0.999;
  /// Added to that average; TorchJD has 1e-8, which is seen where gradients are
  /// shorter than 1e-3.
  TORCH_ARG(double, eps) = 0;
};

/// The first task has priority: the nearest vector to its gradient along which
/// every other task gains, d = argmin |d - h_0| with <h_j, d> ≥ τ_j |h_j|²,
/// made as long as g_0. h_k = g_k / √v̂_k, and v̂_k is the moving average of
/// |g_k|², corrected for its start.
///
/// 0 where g_0 or d is; where no d is within the constraints, g_0 itself. In a
/// step of some tasks only, the first of them has priority.
///
/// State: "squares" and "steps" [T].
///
/// Source: A. Varam, M. AlHajri, "Not all objectives are born equal:
/// priority-constrained descent for hierarchical multi-objective optimization",
/// TMLR 2026.
class POLYTASK_API PCD : public Described<PCD, GramianBalancing> {
 public:
  explicit PCD(PCDOptions options = {});
  static const detail::Description& description();

 protected:
  void check_tasks(int64_t tasks) const override;
  void start() override;
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;

 private:
  math::Vector scales(const math::Matrix& gramian);

  PCDOptions options_;
};

} // namespace polytask::balancing
