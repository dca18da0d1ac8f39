// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/loss_balancing.h>
#include <polytask/math/matrix.h>

namespace polytask::balancing {

struct POLYTASK_API DWAOptions {
  /// τ: the larger, the more equal are the weights.
  TORCH_ARG(double, temperature) = 2;
};

/// Σ_k w_k L_k with w = T softmax(r / τ), r_k the quotient of task k's mean
/// losses in the last two epochs; 1 for each task in the first two. A task
/// whose loss falls slowly gets more weight; the weights sum to T.
///
/// Epochs are counted by `end_epoch`. Extras: "epoch" [], a change of which
/// ends the last; "samples" [] or [T], by which the means weigh a batch, as
/// LibMTL's do (1 if absent). Throws if a mean loss to divide by is 0.
///
/// Source: S. Liu, E. Johns, A. Davison, "End-to-end multi-task learning with
/// attention", CVPR 2019, equation 7.
class POLYTASK_API DWA : public Described<DWA, LossBalancing> {
 public:
  explicit DWA(DWAOptions options = {});
  static const detail::Description& description();
  void end_epoch() override;
  bool counts_epochs() const override {
    return true;
  }

 protected:
  void start() override;
  at::Tensor value(const at::Tensor& losses, const Extras& extras) override;

 private:
  void track(const at::Tensor& losses, const Extras& extras);
  math::Vector epoch_weights() const;

  DWAOptions options_;
};

} // namespace polytask::balancing
