// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/kept_weights.h>

namespace polytask::balancing {

struct POLYTASK_API NashMTLOptions {
  /// The largest length of the update, which is √T without it; 0 for none.
  TORCH_ARG(double, max_norm) = 1;
  /// Between two solutions the weights stay, but the update is clipped anew.
  TORCH_ARG(int64_t, update_weights_every) = 1;
};

/// The bargaining solution: w > 0 with (G w)_k = 1 / w_k, so that each task
/// gains in proportion to what it is given; the update is Jᵀ w, of length √T,
/// clipped to `max_norm`.
///
/// Zero rows have weight 0, and the others bargain. Where the rows that remain
/// are Pareto stationary there is no solution: the weights are then those of
/// the shortest vector in the hull, 0 up to rounding, with Σ w_k |g_k| = 1. The
/// references repeat old weights in both cases. They solve by a convex-concave
/// procedure, which may end far from the solution, and TorchJD, as this does,
/// clips the weights, the others the shared gradient only.
///
/// State, where weights are kept: that of `KeptWeights`, unclipped.
///
/// Source: A. Navon, A. Shamsian, I. Achituve, H. Maron, K. Kawaguchi, G.
/// Chechik, E. Fetaya, "Multi-task learning as a bargaining game", ICML 2022,
/// algorithm 1.
class POLYTASK_API NashMTL
    : public Described<NashMTL, KeptWeights<GramianBalancing>> {
 public:
  explicit NashMTL(NashMTLOptions options = {});
  static const detail::Description& description();

 protected:
  void start() override;
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;

 private:
  math::Vector unclipped(const math::Matrix& gramian);

  NashMTLOptions options_;
};

} // namespace polytask::balancing
