// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/jacobian/kept_rows.h>

namespace polytask::balancing {

struct POLYTASK_API MoCoOptions {
  TORCH_ARG(double, beta) = 0.5;
  TORCH_ARG(double, beta_sigma) = 0.5;
  TORCH_ARG(double, gamma) = 0.1;
  TORCH_ARG(double, gamma_sigma) = 0.5;
  TORCH_ARG(double, rho) = 0;
};

/// Tracks the gradients and moves the weights along the tracked ones. In step
/// t, h_k = g_k / (|g_k| + 1e-8) L_k; y ← y - β t^-σβ (y - h), from 0; λ ←
/// softmax(λ - γ t^-σγ (y yᵀ + ρ I) λ), from 1/T; the update is yᵀ λ.
///
/// Reads the losses. State: y [T, N], "weights" [T]. As the authors' code and
/// LibMTL: the paper tracks plain gradients and projects λ on the simplex,
/// which the softmax flattens in every step.
///
/// Source: H. Fernando, H. Shen, M. Liu, S. Chaudhury, K. Murugesan, T. Chen,
/// "Mitigating gradient bias in multi-objective learning: a provably convergent
/// approach", ICLR 2023, algorithm 1.
class POLYTASK_API MoCo : public Described<MoCo, KeptRows> {
 public:
  explicit MoCo(MoCoOptions options = {});
  static const detail::Description& description();
  bool wants_losses() const override {
    return true;
  }

 protected:
  void start() override;
  at::Tensor combine(const at::Tensor& jacobian, const Extras& extras) override;

 private:
  MoCoOptions options_;
};

} // namespace polytask::balancing
