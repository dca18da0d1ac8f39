// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/loss_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API EqualWeightsOptions {
  /// 1/T for each task in place of 1.
  TORCH_ARG(bool, mean) = false;
};

/// Σ_k L_k, or its mean: every task weighs 1 or 1/T.
///
/// LibMTL's EW is the sum, though it is described as the mean. No state.
class POLYTASK_API EqualWeights
    : public Described<EqualWeights, LossBalancing> {
 public:
  explicit EqualWeights(EqualWeightsOptions options = {}) : options_(options) {
    check_options();
  }
  static const detail::Description& description();
  std::string name() const override {
    return options_.mean() ? "mean" : "sum";
  }

 protected:
  std::optional<math::Vector> fixed_weights(const Extras& extras) override;

 private:
  EqualWeightsOptions options_;
};

} // namespace polytask::balancing
