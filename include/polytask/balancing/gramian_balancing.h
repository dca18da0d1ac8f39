// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/balancing/balancing.h>
#include <polytask/math/matrix.h>

namespace polytask::balancing {

/// A method that needs the gradients' inner products alone: from G = J Jᵀ to
/// weights w; the update is Jᵀ w.
///
/// It computes in double on the CPU, T ≤ 256; a Gramian on a device is copied
/// once.
class POLYTASK_API GramianBalancing : public Balancing {
 public:
  Reads reads() const final {
    return Reads::kGramian;
  }

  /// The weights [T] for a Gramian [T, T], of its dtype and device. Throws
  /// unless it is square, symmetric and finite.
  at::Tensor weights(const at::Tensor& gramian, const Extras& extras = {});
  /// Σ weights[t] · jacobian[t], for a Jacobian [T, ...] of any shape. Throws
  /// unless it is finite.
  at::Tensor direction(const at::Tensor& jacobian, const Extras& extras = {});
  /// The same on the host, for callers who have checked their Gramian.
  math::Vector solve(const math::Matrix& gramian, const Extras& extras = {});

  /// For a step without gradients, where `wants_gradients` is false: the last
  /// weights again. Counts as a step.
  math::Vector repeat();

  /// The weights of the last call.
  const math::Vector& last_weights() const {
    return last_weights_;
  }

  /// The matrix that `solve` needs for a Jacobian [T, ...]: J Jᵀ, for most.
  virtual math::Matrix gramian_of(
      const at::Tensor& jacobian, const Extras& extras) const;
  /// What the weights are applied to, for most the Jacobian.
  virtual at::Tensor combined_rows(
      const at::Tensor& jacobian, const Extras& extras) const;
  /// False where the matrix is a product of two batches' Jacobians.
  virtual bool is_symmetric() const {
    return true;
  }

 protected:
  /// `tasks()` is the Gramian's size, at least 1.
  virtual math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) = 0;
  /// What `repeat` gives; nothing where those are of other tasks.
  virtual math::Vector repeated() {
    return weighed_ == present() ? last_weights_ : math::Vector();
  }

 private:
  math::Vector last_weights_;
  std::vector<int64_t> weighed_; // `present` of the last call
};

} // namespace polytask::balancing
