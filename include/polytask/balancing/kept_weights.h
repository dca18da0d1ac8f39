// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <polytask/balancing/gramian_wrapper.h>

namespace polytask::balancing {

/// A Gramian method, or one that holds such, that may repeat its weights for
/// some steps. Those of other tasks are of no use.
///
/// State: "weights" [1, n], their "age" in steps, and whose they are, "present"
/// [1, n], n = 0 for all tasks.
template <typename Base>
class POLYTASK_API KeptWeights : public Base {
 public:
  using Base::Base;

 protected:
  /// Asks for the state; called in the constructor.
  void keep_weights();
  void start_weights();
  /// Whether there are weights of these tasks that served fewer steps.
  bool has_weights(int64_t steps) const;
  void set_weights(const math::Vector& weights);
  /// The weights once more; none before there are any.
  math::Vector take_weights();
};

extern template class KeptWeights<GramianBalancing>;
extern template class KeptWeights<GramianWrapper>;

} // namespace polytask::balancing
