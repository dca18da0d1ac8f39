// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/loss_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API UncertaintyWeightingOptions {
  /// Where the log-variances start: 0 in TorchJD, -0.5 in LibMTL.
  TORCH_ARG(double, initial) = 0;
};

/// Σ_k ½ exp(-s_k) L_k + ½ s_k with learned log-variances s [T].
///
/// The paper has ½ for regression and 1 for classification losses; this has ½
/// throughout, as every library. Extras: "log_var" [T] in place of s, or
/// "loss_scale", as LibMTL calls it.
///
/// Source: A. Kendall, Y. Gal, R. Cipolla, "Multi-task learning using
/// uncertainty to weigh losses for scene geometry and semantics", CVPR 2018,
/// equation 10.
class POLYTASK_API UncertaintyWeighting
    : public Described<UncertaintyWeighting, LossBalancing> {
 public:
  explicit UncertaintyWeighting(UncertaintyWeightingOptions options = {});
  static const detail::Description& description();
  std::vector<at::Tensor> parameters() const override;

 protected:
  void start() override;
  at::Tensor value(const at::Tensor& losses, const Extras& extras) override;

 private:
  UncertaintyWeightingOptions options_;
};

} // namespace polytask::balancing
