// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/gramian_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API GradNormOptions {
  /// How strongly slow tasks get longer gradients.
  TORCH_ARG(double, alpha) = 1.5;
  /// Of the logits' own descent.
  TORCH_ARG(double, loss_scale_lr) = 0.1;
};

/// Learned weights w = T softmax(z) that draw the lengths n_k = |w_k g_k|
/// towards mean(n) r_k^α, with r_k = (L_k / L⁰_k) / mean_j (L_j / L⁰_j): after
/// each step, z descends on Σ |n_k - mean(n) r_k^α|, the targets held fixed.
///
/// Reads the losses. L⁰ are the first epoch's mean losses: until `end_epoch` is
/// first called the weights are 1. As LibMTL, with a descent of its own in
/// place of the model's optimizer; in the paper the weights themselves are
/// learned, and L⁰ are the first losses. The lengths' unit matters.
///
/// Extras: "losses" [T]; "initial_losses" [T] in place of L⁰. State:
/// "loss_scale" [T], z, from 1; "initial_losses" [T]; in the first epoch
/// "loss_sums" and "steps" [T].
///
/// Source: Z. Chen, V. Badrinarayanan, C.-Y. Lee, A. Rabinovich, "GradNorm:
/// gradient normalization for adaptive loss balancing in deep multitask
/// networks", ICML 2018, algorithm 1.
class POLYTASK_API GradNorm : public Described<GradNorm, GramianBalancing> {
 public:
  explicit GradNorm(GradNormOptions options = {});
  static const detail::Description& description();
  bool wants_losses() const override {
    return true;
  }
  void end_epoch() override;
  bool counts_epochs() const override {
    return true;
  }

 protected:
  void start() override;
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;

 private:
  math::Vector rates(
      const math::Vector& losses, const math::Vector& initial) const;
  void collect(const math::Vector& losses);

  GradNormOptions options_;
};

} // namespace polytask::balancing
