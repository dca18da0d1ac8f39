// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/loss_balancing.h>
#include <polytask/math/matrix.h>

namespace polytask::balancing {

struct POLYTASK_API FAMOOptions {
  TORCH_ARG(double, lr) = 0.025;
  /// γ, added to z's gradient: 1e-3 in TorchJD and LibMTL, 1e-5 in the
  /// authors' experiments.
  TORCH_ARG(double, weight_decay) = 1e-3;
  /// b [T], what the losses can reach; 0 if empty.
  TORCH_ARG(std::vector<double>, min_losses) = {};
};

/// c Σ_k p_k log D_k with D = L - b + 1e-8, p = softmax(z) and c = 1 / Σ
/// p_k/D_k: the effective weights c p_k/D_k sum to 1. After the model's update,
/// δ_k = log D_k - log D'_k, and Adam moves z along p ∘ (δ - p·δ), so that all
/// losses fall at one rate.
///
/// Wants the losses of the same batch after the update; whoever has them at
/// once hands them over as "losses_after" [T] among the extras instead. Throws
/// where a loss is not above b - 1e-8.
///
/// Source: B. Liu, Y. Feng, P. Stone, Q. Liu, "FAMO: fast adaptive multitask
/// optimization", NeurIPS 2023, algorithm 1. The authors also clip the shared
/// gradient at length 1; this does not.
class POLYTASK_API FAMO : public Described<FAMO, LossBalancing> {
 public:
  explicit FAMO(FAMOOptions options = {});
  static const detail::Description& description();
  bool wants_losses_after() const override {
    return true;
  }
  void observe_after(const at::Tensor& losses) override;

 protected:
  void start() override;
  void check_tasks(int64_t tasks) const override;
  at::Tensor value(const at::Tensor& losses, const Extras& extras) override;

 private:
  std::vector<double> bounds() const;
  math::Vector log_distances(const at::Tensor& losses) const;

  FAMOOptions options_;
};

} // namespace polytask::balancing
