// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include <polytask/balancing/described.h>
#include <polytask/balancing/gramian_wrapper.h>

namespace polytask::balancing {

/// A Gramian method that sees gradients [T, B, ...] for a batch of features
/// summed over the batch, and weighs them as they are; LibMTL's "rep_grad".
///
/// It reads less than the method on all of [T, B, ...], which is what the
/// papers mean: the two differ wherever samples disagree.
class POLYTASK_API SummedRepresentation
    : public Described<SummedRepresentation, GramianWrapper> {
 public:
  /// Throws unless it is a Gramian method.
  explicit SummedRepresentation(std::unique_ptr<Balancing> method);
  static const detail::Description& description();
  bool wants_representation() const override {
    return true;
  }
  bool wants_gradients() const override {
    return inner().wants_gradients();
  }
  math::Matrix gramian_of(
      const at::Tensor& jacobian, const Extras& extras) const override;

 protected:
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;
  math::Vector repeated() override;
};

} // namespace polytask::balancing
