// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/loss_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API STCHWarmupOptions {
  TORCH_ARG(double, mu) = 1;
  /// The last epoch of the warm-up, counted from 0.
  TORCH_ARG(int64_t, warmup_epoch) = 4;
};

/// STCH on log-ratios after a warm-up, as the authors trained: up to epoch E,
/// Σ_k log L_k; then T μ log Σ_k exp(log(L_k / r_k) / μ), r the mean losses of
/// epoch E. The effective weights are T softmax(log(L / r) / μ)_k / L_k.
///
/// Epochs are counted by `end_epoch`. Extras: "epoch" [], counted from 0, in
/// place of that. Throws unless the losses are positive, and after the warm-up
/// if epoch E had no step. The value has the maximum that LibMTL leaves out.
///
/// Source: X. Lin, X. Zhang, Z. Yang, F. Liu, Z. Wang, Q. Zhang, "Smooth
/// Tchebycheff scalarization for multi-objective optimization", ICML 2024,
/// section 4.1.
class POLYTASK_API STCHWarmup : public Described<STCHWarmup, LossBalancing> {
 public:
  explicit STCHWarmup(STCHWarmupOptions options = {});
  static const detail::Description& description();
  void end_epoch() override;
  bool counts_epochs() const override {
    return true;
  }

 protected:
  void start() override;
  at::Tensor value(const at::Tensor& losses, const Extras& extras) override;

 private:
  STCHWarmupOptions options_;
};

} // namespace polytask::balancing
