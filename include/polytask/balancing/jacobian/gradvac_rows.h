// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/jacobian_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API GradVacRowsOptions {
  /// The share of a new cosine in its moving average: 0.5 in TorchJD and
  /// LibMTL, 0.01 in the paper.
  TORCH_ARG(double, beta) = 0.5;
  /// Added to the denominators.
  TORCH_ARG(double, eps) = 1e-8;
};

/// GradVac on the rows themselves: x = g_i meets the other g_j in random order;
/// where φ = cos(x, g_j) is below its average φ̂_ij, x gets as much of g_j as
/// makes it φ̂_ij; then φ̂_ij ← (1 - β) φ̂_ij + β φ. The update is the sum.
///
/// In a few columns, as in PerGroup's blocks, x may nearly vanish; the
/// Gramian's rounding would then be all that is left of its length. Otherwise
/// the method that reads the Gramian gives the same for less. Takes T² inner
/// products of rows, each of which waits for a device.
///
/// Extras: "orders" [T, T - 1], the order in which each task meets the others.
/// State: "phi" [T, T].
///
/// Source: Z. Wang, Y. Tsvetkov, O. Firat, Y. Cao, "Gradient vaccine:
/// investigating and improving multi-task optimization in massively
/// multilingual models", ICLR 2021, algorithm 1.
class POLYTASK_API GradVacRows
    : public Described<GradVacRows, JacobianBalancing> {
 public:
  explicit GradVacRows(GradVacRowsOptions options = {});
  static const detail::Description& description();

 protected:
  bool is_by_pair(const std::string& buffer_name) const override {
    return buffer_name == "phi";
  }
  void start() override;
  at::Tensor combine(const at::Tensor& jacobian, const Extras& extras) override;
  bool is_random() const override {
    return true;
  }

 private:
  GradVacRowsOptions options_;
};

} // namespace polytask::balancing
