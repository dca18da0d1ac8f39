// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/gramian_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API IMTLOptions {
  /// Where the scales start.
  TORCH_ARG(double, initial) = 0;
  /// Of the scales' own descent.
  TORCH_ARG(double, loss_scale_lr) = 0.01;
};

/// IMTL-L and IMTL-G together: the losses become exp(s_k) L_k - s_k with
/// learned scales s, and IMTL-G weighs the gradients of these, exp(s_k) g_k.
/// Because it gives rows of any length the same direction, s changes the
/// update's length only.
///
/// Reads the losses, which are not negative. After each step, s_k moves along
/// -(exp(s_k) L_k - 1), divided by max(exp(s_k) L_k, 1) so that it moves by at
/// most `loss_scale_lr`; LibMTL lets the model's optimizer move it.
///
/// Extras: "losses" [T]; "loss_scale" [T] in place of s. State: "loss_scale"
/// [T].
///
/// Source: L. Liu, Y. Li, Z. Kuang, J. Xue, Y. Chen, W. Yang, Q. Liao, W.
/// Zhang, "Towards impartial multi-task learning", ICLR 2021, algorithm 1.
class POLYTASK_API IMTL : public Described<IMTL, GramianBalancing> {
 public:
  explicit IMTL(IMTLOptions options = {});
  static const detail::Description& description();
  bool wants_losses() const override {
    return true;
  }

 protected:
  void start() override;
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;

 private:
  IMTLOptions options_;
};

} // namespace polytask::balancing
