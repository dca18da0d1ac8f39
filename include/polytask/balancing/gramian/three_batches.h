// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/balancing/gramian_balancing.h>

namespace polytask::balancing {

/// A Gramian method that needs three independent batches for each step: the
/// matrix that `weights` takes is J_1 J_2ᵀ, the update is J_3ᵀ times weights.
///
/// Extras of `direction`: "jacobian_1", "jacobian_2", "jacobian_3", the first
/// and the last of which are the main input where they are absent. Throws if
/// the second is missing, or the shapes differ.
class POLYTASK_API ThreeBatches : public GramianBalancing {
 public:
  int64_t batches() const override {
    return 3;
  }
  bool is_symmetric() const override {
    return false;
  }
  math::Matrix gramian_of(
      const at::Tensor& jacobian, const Extras& extras) const override;
  at::Tensor combined_rows(
      const at::Tensor& jacobian, const Extras& extras) const override;
};

} // namespace polytask::balancing
