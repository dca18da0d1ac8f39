// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include <polytask/balancing/balancing.h>
#include <polytask/math/matrix.h>

namespace polytask::balancing {

/// A method that reads losses only, at the cost of one backward.
class POLYTASK_API LossBalancing : public Balancing {
 public:
  Reads reads() const final {
    return Reads::kLosses;
  }

  /// The scalar to minimise, with its graph to `losses` [T], a floating-point
  /// vector, and to `parameters()`. In float for losses of half precision,
  /// which `value` gets as floats; else in their dtype. Throws on another
  /// shape, and on losses on the CPU that are not finite or that the method is
  /// not defined for.
  at::Tensor scalarize(const at::Tensor& losses, const Extras& extras = {});

  /// [T], detached: the derivative of `scalarize` for each loss. Counts as a
  /// step of the method, as `scalarize` does.
  at::Tensor weights(const at::Tensor& losses, const Extras& extras = {});

  /// The update [...] that `scalarize` gives for a Jacobian [T, ...]: its rows
  /// by the weights at "losses" among the extras, or at ones without them.
  at::Tensor direction(const at::Tensor& jacobian, const Extras& extras = {});

 protected:
  /// For most, the whole method; by default Σ `fixed_weights` · losses.
  virtual at::Tensor value(const at::Tensor& losses, const Extras& extras);
  /// Weights [T] that do not depend on the losses, where a method has such: no
  /// graph is needed for them then.
  virtual std::optional<math::Vector> fixed_weights(const Extras& extras);
};

} // namespace polytask::balancing
