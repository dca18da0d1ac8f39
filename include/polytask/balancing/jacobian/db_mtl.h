// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/jacobian/kept_rows.h>

namespace polytask::balancing {

struct POLYTASK_API DBMTLOptions {
  TORCH_ARG(double, beta) = 0.9;
  TORCH_ARG(double, sigma) = 0;
};

/// Balances the scales of losses and of gradients: h_k = g_k / (L_k + 1e-8),
/// the gradient of log L_k; b ← h + β t^-σ (b - h), from 0; the update is Σ_k
/// max_j |b_j| / (|b_k| + 1e-8) b_k.
///
/// Reads the losses, which must not be negative. State: "buffer" [T, N]. Heads
/// that are to follow the paper descend on log L_k.
///
/// Source: B. Lin, W. Jiang, F. Ye, Y. Zhang, P. Chen, Y. Chen, S. Liu, J.
/// Kwok, "Dual-balancing for multi-task learning", arXiv 2308.12029, 2023,
/// algorithm 1.
class POLYTASK_API DBMTL : public Described<DBMTL, KeptRows> {
 public:
  explicit DBMTL(DBMTLOptions options = {});
  static const detail::Description& description();
  bool wants_losses() const override {
    return true;
  }

 protected:
  at::Tensor combine(const at::Tensor& jacobian, const Extras& extras) override;

 private:
  DBMTLOptions options_;
};

} // namespace polytask::balancing
