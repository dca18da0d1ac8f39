// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/loss_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API IMTLLOptions {
  /// Where the scales start.
  TORCH_ARG(double, initial) = 0;
};

/// Σ_k exp(s_k) L_k - s_k with learned scales s [T]: at its minimum in s, every
/// exp(s_k) L_k is 1. Twice uncertainty weighting at -s.
///
/// Extras: "log_scale" [T] in place of s.
///
/// Source: L. Liu, Y. Li, Z. Kuang, J. Xue, Y. Chen, W. Yang, Q. Liao, W.
/// Zhang, "Towards impartial multi-task learning", ICLR 2021, section 3.2.
class POLYTASK_API IMTLL : public Described<IMTLL, LossBalancing> {
 public:
  explicit IMTLL(IMTLLOptions options = {});
  static const detail::Description& description();
  std::vector<at::Tensor> parameters() const override;

 protected:
  void start() override;
  at::Tensor value(const at::Tensor& losses, const Extras& extras) override;

 private:
  IMTLLOptions options_;
};

} // namespace polytask::balancing
