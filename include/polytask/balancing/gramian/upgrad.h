// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <vector>

#include <polytask/balancing/described.h>
#include <polytask/balancing/gramian_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API UPGradOptions {
  /// What each gradient is multiplied by before; 1/T without them.
  TORCH_ARG(std::vector<double>, preference);
  /// As TorchJD, which has 1e-4 for both: with `reg_eps` on the diagonal of
  /// G / trace(G), and that 0 where the trace is below `norm_eps`. Rows that
  /// are short beside the others then lose their protection, and short
  /// Jacobians get their mean.
  TORCH_ARG(double, norm_eps) = 0;
  TORCH_ARG(double, reg_eps) = 0;
};

/// Each gradient, times its preference, is projected on the dual cone of all,
/// {x : J x ≥ 0}, and the update is the sum: it harms no task, and keeps the
/// proportions of the gradients where they do not conflict.
///
/// The projections are exact; the weights are not unique where rows depend on
/// each other, the update is. Zero rows keep their preference as weight.
///
/// Source: P. Quinton, V. Rey, "Jacobian descent for multi-objective
/// optimization", 2024, definition 2.
class POLYTASK_API UPGrad : public Described<UPGrad, GramianBalancing> {
 public:
  explicit UPGrad(UPGradOptions options = {});
  static const detail::Description& description();

 protected:
  void check_tasks(int64_t tasks) const override;
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;

 private:
  UPGradOptions options_;
};

} // namespace polytask::balancing
