// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/balancing/described.h>
#include <polytask/balancing/gramian_balancing.h>

namespace polytask::balancing {

/// Weights, Σ w = 1, with which the update has the same projection on each
/// task's gradient: with the cosines C of the rows, C β = 1 and w_k ∝ β_k /
/// |g_k|. Weights may be negative.
///
/// Zero rows have weight 0; dependent ones share theirs. Where no direction has
/// equal projections, as for opposite rows, all weights are 0, for only the
/// zero vector has. TorchJD solves on the rows as they are, which drops rows
/// 10⁷ times as short as others, and gives a long vector without equal
/// projections there.
///
/// Source: L. Liu, Y. Li, Z. Kuang, J. Xue, Y. Chen, W. Yang, Q. Liao, W.
/// Zhang, "Towards impartial multi-task learning", ICLR 2021, section 3.1.
class POLYTASK_API IMTLG : public Described<IMTLG, GramianBalancing> {
 public:
  static const detail::Description& description();

 protected:
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;
};

} // namespace polytask::balancing
