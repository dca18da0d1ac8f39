// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/gramian_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API KrumOptions {
  /// f: so many rows may be of any kind.
  TORCH_ARG(int64_t, byzantine) = 0;
  /// m: the mean of so many rows is taken.
  TORCH_ARG(int64_t, selected) = 1;
  /// Sums of distances if false, as in TorchJD, which may select other rows.
  TORCH_ARG(bool, squared) = true;
};

/// The mean of the m gradients whose sums of squared distances to their
/// T - f - 2 nearest others are smallest; of equal ones, the first.
///
/// Throws unless T ≥ m, and T ≥ f + 3 if f > 0. With fewer rows than f + 3, as
/// in a step of some tasks only, one neighbour counts, and as many are selected
/// as there are.
///
/// Source: P. Blanchard, E. El Mhamdi, R. Guerraoui, J. Stainer, "Machine
/// learning with adversaries: Byzantine tolerant gradient descent", NeurIPS
/// 2017, section 4.
class POLYTASK_API Krum : public Described<Krum, GramianBalancing> {
 public:
  explicit Krum(KrumOptions options = {});
  static const detail::Description& description();

 protected:
  void check_tasks(int64_t tasks) const override;
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;

 private:
  KrumOptions options_;
};

} // namespace polytask::balancing
