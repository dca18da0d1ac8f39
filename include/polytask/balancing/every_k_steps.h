// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/balancing/described.h>
#include <polytask/balancing/kept_weights.h>

namespace polytask::balancing {

/// A Gramian method that weighs anew in every k-th step only; in between its
/// weights stay and, as no gradients are wanted, a step costs one backward. A
/// step of other tasks than those that the weights are of weighs anew, too.
///
/// State: that of `KeptWeights`, and that of the method.
class POLYTASK_API EveryKSteps
    : public Described<EveryKSteps, KeptWeights<GramianWrapper>> {
 public:
  /// Throws unless it is a Gramian method and k is at least 1.
  EveryKSteps(std::unique_ptr<Balancing> method, int64_t k);
  static const detail::Description& description();
  bool wants_gradients() const override;

 protected:
  void start() override;
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;
  math::Vector repeated() override;

 private:
  int64_t k_;
};

} // namespace polytask::balancing
