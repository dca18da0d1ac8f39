// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <vector>

#include <polytask/balancing/described.h>
#include <polytask/balancing/gramian_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API DualProjOptions {
  /// The weights of the vector to project; 1/T without them.
  TORCH_ARG(std::vector<double>, preference);
  /// As TorchJD, which has 1e-4 for both: with `reg_eps` on the diagonal of
  /// G / trace(G), and that 0 where the trace is below `norm_eps`. Rows that
  /// are short beside the others then lose their protection, and short
  /// Jacobians get their mean.
  TORCH_ARG(double, norm_eps) = 0;
  TORCH_ARG(double, reg_eps) = 0;
};

/// The mean gradient, or the one of the preferences, projected on the dual cone
/// of all, {x : J x ≥ 0}: the nearest update that harms no task.
///
/// The projection is exact; the weights are not unique where rows depend on
/// each other, the update is. Zero rows keep their preference as weight.
///
/// Source: D. Lopez-Paz, M. Ranzato, "Gradient episodic memory for continual
/// learning", NeurIPS 2017, equation 11, without the margin; named in P.
/// Quinton, V. Rey, "Jacobian descent for multi-objective optimization", 2024.
class POLYTASK_API DualProj : public Described<DualProj, GramianBalancing> {
 public:
  explicit DualProj(DualProjOptions options = {});
  static const detail::Description& description();

 protected:
  void check_tasks(int64_t tasks) const override;
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;

 private:
  DualProjOptions options_;
};

} // namespace polytask::balancing
