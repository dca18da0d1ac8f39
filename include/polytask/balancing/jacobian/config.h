// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/jacobian_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API ConFIGOptions {
  /// p [T], the wanted proportions of the cosines; 1 for each task if empty.
  TORCH_ARG(std::vector<double>, preference) = {};
};

/// The update has equal cosines with all gradients, and the length of their
/// summed projections: with unit rows U, v = U⁺ p and v̂ = v / |v|, it is
/// (Σ_k g_k · v̂) v̂. Zero rows count for nothing.
///
/// Where the rows depend on each other, it is the least-squares direction. No
/// state. Two tasks have a closed form, as the authors' code; the rest goes
/// through U Uᵀ, or a QR of Uᵀ where that is ill-conditioned.
///
/// Source: Q. Liu, M. Chu, N. Thuerey, "ConFIG: towards conflict-free training
/// of physics informed neural networks", ICLR 2025, equations 2 and 3.
class POLYTASK_API ConFIG : public Described<ConFIG, JacobianBalancing> {
 public:
  explicit ConFIG(ConFIGOptions options = {});
  static const detail::Description& description();

 protected:
  void check_tasks(int64_t tasks) const override;
  at::Tensor combine(const at::Tensor& jacobian, const Extras& extras) override;

 private:
  ConFIGOptions options_;
};

} // namespace polytask::balancing
