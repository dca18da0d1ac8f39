// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/loss_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API ScaleInvariantOptions {
  /// [T]; 1 for each task if empty.
  TORCH_ARG(std::vector<double>, weights) = {};
};

/// Σ_k w_k log L_k: a loss' unit does not matter.
///
/// Throws unless the losses are positive. No state.
///
/// Source: the baseline "SI" of A. Navon, A. Shamsian, I. Achituve, H. Maron,
/// K. Kawaguchi, G. Chechik, E. Fetaya, "Multi-task learning as a bargaining
/// game", ICML 2022.
class POLYTASK_API ScaleInvariant
    : public Described<ScaleInvariant, LossBalancing> {
 public:
  explicit ScaleInvariant(ScaleInvariantOptions options = {});
  static const detail::Description& description();

 protected:
  void check_tasks(int64_t tasks) const override;
  at::Tensor value(const at::Tensor& losses, const Extras& extras) override;

 private:
  ScaleInvariantOptions options_;
};

} // namespace polytask::balancing
