// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/loss_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API PBIOptions {
  /// The preferences [T], not all 0; equal if empty.
  TORCH_ARG(std::vector<double>, weights) = {};
  /// θ, the price of being off the ray.
  TORCH_ARG(double, theta) = 5;
  /// The ideal point z [T]; 0 if empty.
  TORCH_ARG(std::vector<double>, reference) = {};
};

/// d_1 + θ d_2: with f = L - z and ŵ = w / |w|, the distance d_1 = f · ŵ along
/// the ray of the preference w [T] and d_2 = sqrt(|f - d_1 ŵ|² + 1e-12) from
/// it.
///
/// The 1e-12 gives d_2 a derivative on the ray. No state.
///
/// Source: Q. Zhang, H. Li, "MOEA/D: a multiobjective evolutionary algorithm
/// based on decomposition", IEEE Transactions on Evolutionary Computation,
/// 2007, section II.C (penalty-based boundary intersection).
class POLYTASK_API PBI : public Described<PBI, LossBalancing> {
 public:
  explicit PBI(PBIOptions options = {});
  static const detail::Description& description();

 protected:
  void check_tasks(int64_t tasks) const override;
  at::Tensor value(const at::Tensor& losses, const Extras& extras) override;

 private:
  PBIOptions options_;
};

} // namespace polytask::balancing
