// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <vector>

#include <polytask/balancing/described.h>
#include <polytask/balancing/gramian/three_batches.h>

namespace polytask::balancing {

struct POLYTASK_API SDMGradOptions {
  /// Of the inner descent; LibMTL has 5.
  TORCH_ARG(double, lr) = 10;
  TORCH_ARG(double, momentum) = 0.5;
  /// The steps of that descent.
  TORCH_ARG(int64_t, iterations) = 20;
  /// How strongly the update is drawn to that of the preferences.
  TORCH_ARG(double, lambda) = 0.3;
  /// w̃, which sums to 1; 1/T without them.
  TORCH_ARG(std::vector<double>, preference);
  /// Added to the squared mean length; both libraries have 1e-8, which is seen
  /// where gradients are shorter than 1e-3.
  TORCH_ARG(double, eps) = 0;
};

/// The shortest vector in the hull, drawn to a preferred direction, by an inner
/// descent without bias: with Jacobians of three independent batches and A =
/// J_1 J_2ᵀ, divided by the square of the mean of √A_kk, `iterations` steps of
/// gradient descent with momentum on w along A (w + λ w̃), each projected on the
/// simplex; the update is J_3ᵀ (w + λ w̃) / (1 + λ).
///
/// With the libraries' learning rates the descent goes back and forth between
/// faces of the simplex. If no A_kk is positive, w stays.
///
/// Needs three batches for each step. The matrix that `weights` takes is
/// J_1 J_2ᵀ. Extras of `direction`: "jacobian_1", "jacobian_2", "jacobian_3",
/// the first and the last of which are the main input where they are absent. In
/// a step of some tasks only, these share all weight. State: "simplex_weights"
/// [T], w, from 1/T.
///
/// Source: P. Xiao, H. Ban, K. Ji, "Direction-oriented multi-objective
/// learning: simple and provable stochastic algorithms", NeurIPS 2023,
/// algorithm 1.
class POLYTASK_API SDMGrad : public Described<SDMGrad, ThreeBatches> {
 public:
  explicit SDMGrad(SDMGradOptions options = {});
  static const detail::Description& description();

 protected:
  void check_tasks(int64_t tasks) const override;
  void start() override;
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;

 private:
  math::Vector preference() const;
  void descend(
      const math::Matrix& products,
      const math::Vector& preference,
      math::Vector& weights) const;

  SDMGradOptions options_;
};

} // namespace polytask::balancing
