// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/balancing/described.h>
#include <polytask/balancing/loss_balancing.h>

namespace polytask::balancing {

/// Σ_k w_k L_k with weights [T] that are given; they may be negative.
///
/// Throws where the number of tasks is not that of the weights. No state.
class POLYTASK_API ConstantWeights
    : public Described<ConstantWeights, LossBalancing> {
 public:
  explicit ConstantWeights(std::vector<double> weights);
  static const detail::Description& description();

 protected:
  void check_tasks(int64_t tasks) const override;
  std::optional<math::Vector> fixed_weights(const Extras& extras) override;

 private:
  std::vector<double> weights_;
};

} // namespace polytask::balancing
