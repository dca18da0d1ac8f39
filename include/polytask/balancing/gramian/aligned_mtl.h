// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <utility>
#include <vector>

#include <polytask/balancing/described.h>
#include <polytask/balancing/gramian_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API AlignedMTLOptions {
  /// Which of the singular values all become.
  enum class Scale {
    kSmallest,
    /// The lower one of the middle.
    kMedian,
    /// The root of the mean square.
    kRootMeanSquare,
  };

  TORCH_ARG(Scale, scale) = Scale::kSmallest;
  /// p, one for each task; without them 1/T, or 1 with `sum`.
  TORCH_ARG(std::vector<double>, preference);
  /// As LibMTL and the authors, whose updates are T times as long.
  TORCH_ARG(bool, sum) = false;
};

/// Gradients made orthogonal and of equal length, as near as can be to what
/// they were, and combined with p: from G = V Λ Vᵀ the weights are
/// √s V Λ^(-1/2) Vᵀ p, s one of the eigenvalues that count.
///
/// Eigenvalues below 2⁻⁵² T times the largest are left out, as rows some 10⁸
/// times as short as the longest then are, like zero rows: their weight is 0.
/// If all are zero the weights are p.
///
/// Source: D. Senushkin, N. Patakin, A. Kuznetsov, A. Konushin, "Independent
/// component alignment for multi-task learning", CVPR 2023, algorithm 1.
class POLYTASK_API AlignedMTL : public Described<AlignedMTL, GramianBalancing> {
 public:
  explicit AlignedMTL(AlignedMTLOptions options = {})
      : options_(std::move(options)) {
    check_options();
  }
  static const detail::Description& description();

 protected:
  void check_tasks(int64_t tasks) const override;
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;

 private:
  AlignedMTLOptions options_;
};

} // namespace polytask::balancing
