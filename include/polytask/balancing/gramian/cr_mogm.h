// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <limits>
#include <memory>
#include <vector>

#include <polytask/balancing/described.h>
#include <polytask/balancing/gramian_wrapper.h>

namespace polytask::balancing {

struct POLYTASK_API CRMOGMOptions {
  /// The share of the weights before: 0 for none, 1 for the first ones always.
  TORCH_ARG(double, alpha) = 0.9;
  /// The weights before the first step; without them, those of that step.
  TORCH_ARG(std::vector<double>, initial_weights);
};

/// A moving average of another method's weights: w ← α w + (1 - α) ŵ, which
/// takes the correlation of weights and gradients, and so the bias, out of
/// steps on small batches. The paper lets α grow as the learning rate falls;
/// here it stays.
///
/// Extras: "inner_weights" [T] in place of the method's. State: "weights" [T],
/// and that of the method.
///
/// Source: S. Zhou, W. Zhang, J. Jiang, W. Zhong, J. Gu, W. Zhu, "On the
/// convergence of stochastic multi-objective gradient manipulation and beyond",
/// NeurIPS 2022, algorithm 1.
class POLYTASK_API CRMOGM : public Described<CRMOGM, GramianWrapper> {
 public:
  /// Throws unless it is a Gramian method.
  explicit CRMOGM(
      std::unique_ptr<Balancing> method, CRMOGMOptions options = {});
  static const detail::Description& description();
  bool wants_gradients() const override {
    return inner().wants_gradients();
  }

 protected:
  void check_tasks(int64_t tasks) const override;
  /// Of no weight yet.
  std::optional<double> late_start(
      const std::string& /*buffer*/) const override {
    return std::numeric_limits<double>::quiet_NaN();
  }
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;
  math::Vector repeated() override;

 private:
  math::Vector averaged(math::Vector weights);

  CRMOGMOptions options_;
};

} // namespace polytask::balancing
