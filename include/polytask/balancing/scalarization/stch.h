// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/loss_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API STCHOptions {
  /// In the losses' unit; positive.
  TORCH_ARG(double, mu) = 1;
  /// The preferences [T]; 1/T for each task if empty.
  TORCH_ARG(std::vector<double>, weights) = {};
  /// The ideal point [T]; 0 if empty.
  TORCH_ARG(std::vector<double>, reference) = {};
};

/// μ log Σ_k exp(w_k (L_k - z_k) / μ): a smooth maximum of the weighted
/// distances from an ideal point z. The smaller μ, the nearer to the maximum.
///
/// No state; STCHWarmup is the recipe of the authors' experiments.
///
/// Source: X. Lin, X. Zhang, Z. Yang, F. Liu, Z. Wang, Q. Zhang, "Smooth
/// Tchebycheff scalarization for multi-objective optimization", ICML 2024,
/// equation 8.
class POLYTASK_API STCH : public Described<STCH, LossBalancing> {
 public:
  explicit STCH(STCHOptions options = {});
  static const detail::Description& description();

 protected:
  void check_tasks(int64_t tasks) const override;
  at::Tensor value(const at::Tensor& losses, const Extras& extras) override;

 private:
  STCHOptions options_;
};

} // namespace polytask::balancing
