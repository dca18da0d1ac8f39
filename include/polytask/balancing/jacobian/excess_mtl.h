// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <optional>

#include <polytask/balancing/described.h>
#include <polytask/balancing/jacobian/kept_rows.h>
#include <polytask/math/matrix.h>

namespace polytask::balancing {

struct POLYTASK_API ExcessMTLOptions {
  /// η; TorchJD has 1.
  TORCH_ARG(double, step_size) = 0.01;
  /// As TorchJD: so many steps have equal weights, their mean x is b, and 1e-7
  /// is added to b. With 0, the first step divides x by nothing.
  TORCH_ARG(std::optional<int64_t>, warmup_steps) = std::nullopt;
  /// Weights of the sum T, as LibMTL and the authors have, in place of 1.
  TORCH_ARG(bool, sum_to_tasks) = false;
};

/// Tasks that are far from their optimum get more weight. A task's excess risk
/// is estimated by x_k = Σ_n g_kn² / sqrt(S_kn + 1e-7), S the sums of the
/// squared gradients so far; relative to its baseline b_k, x of the first step,
/// it moves the weights: w_k ← w_k exp(η x_k / b_k), normalised to the sum 1.
/// The first step leaves the weights equal, as the authors' code does; the
/// update is Jᵀ w.
///
/// State: S [T, N], "baseline" and "weights" [T]. A task whose gradients were
/// all zero gets its baseline later.
///
/// Source: Y. He, S. Zhou, G. Zhang, H. Yun, Y. Xu, B. Zeng, T. Chilimbi, H.
/// Zhao, "Robust multi-task learning with excess risks", ICML 2024,
/// algorithm 1.
class POLYTASK_API ExcessMTL : public Described<ExcessMTL, KeptRows> {
 public:
  explicit ExcessMTL(ExcessMTLOptions options = {});
  static const detail::Description& description();

 protected:
  void start() override;
  at::Tensor combine(const at::Tensor& jacobian, const Extras& extras) override;

 private:
  math::Vector excess_risks(const at::Tensor& jacobian);
  math::Vector relative(const math::Vector& risks);

  ExcessMTLOptions options_;
};

} // namespace polytask::balancing
