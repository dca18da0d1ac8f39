// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/jacobian_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API GradDropOptions {
  /// ℓ [T] in [0, 1], what of a dropped entry passes; 0 if empty.
  TORCH_ARG(std::vector<double>, leak) = {};
};

/// Parameter GradDrop: in each column, one sign is drawn and the entries of the
/// other are dropped. With P = ½ (1 + Σ_k g_k / Σ_k |g_k|) and a uniform U, g_k
/// is kept if it is positive and P > U, or negative and P < U; the update is
/// Σ_k (ℓ_k + (1 - ℓ_k) kept_k) g_k.
///
/// Extras: "uniform" [N] in place of U. The paper's method, on the gradients of
/// the shared representation, is RepresentationGradDrop.
///
/// Source: Z. Chen, J. Ngiam, Y. Huang, T. Luong, H. Kretzschmar, Y. Chai, D.
/// Anguelov, "Just pick a sign: optimizing deep multitask models with gradient
/// sign dropout", NeurIPS 2020, algorithm 1.
class POLYTASK_API GradDrop : public Described<GradDrop, JacobianBalancing> {
 public:
  explicit GradDrop(GradDropOptions options = {});
  static const detail::Description& description();
  bool is_separable() const override {
    return true;
  }

 protected:
  void check_tasks(int64_t tasks) const override;
  bool is_random() const override {
    return true;
  }
  at::Tensor combine(const at::Tensor& jacobian, const Extras& extras) override;

 private:
  GradDropOptions options_;
};

} // namespace polytask::balancing
