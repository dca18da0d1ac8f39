// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/balancing/described.h>
#include <polytask/balancing/loss_balancing.h>

namespace polytask::balancing {

/// Σ_k w_k L_k with w = softmax(z), z ~ N(0, I) drawn anew in each step; the
/// weights sum to 1.
///
/// Extras: "normals" [T] in place of z.
///
/// Source: B. Lin, F. Ye, Y. Zhang, I. Tsang, "Reasonable effectiveness of
/// random weighting: a litmus test for multi-task learning", TMLR 2022.
class POLYTASK_API RandomWeights
    : public Described<RandomWeights, LossBalancing> {
 public:
  static const detail::Description& description();

 protected:
  bool is_random() const override {
    return true;
  }
  std::optional<math::Vector> fixed_weights(const Extras& extras) override;
};

} // namespace polytask::balancing
