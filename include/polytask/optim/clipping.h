// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

#include <polytask/core/api.h>

namespace polytask {

/// How gradients are bounded before an update; by default not at all.
class POLYTASK_API Clipping {
 public:
  Clipping() = default;
  /// Scales all gradients together so that their joint Euclidean norm is at
  /// most `max_norm`. Throws unless it is positive.
  ///
  /// Source: R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training
  /// recurrent neural networks", ICML 2013, algorithm 1.
  static Clipping by_norm(double max_norm);
  /// Limits each element to [-max, max]. Throws unless `max` is positive.
  static Clipping by_value(double max);

  /// Changes the gradients in place; undefined ones are passed over. Does not
  /// wait for a device. `norm`: the Euclidean norm of all gradients that count,
  /// where other processes have some of them.
  void apply(
      const std::vector<at::Tensor>& gradients,
      std::optional<double> norm = std::nullopt) const;

  explicit operator bool() const {
    return kind_ != Kind::kNone;
  }

 private:
  enum class Kind { kNone, kNorm, kValue };
  Clipping(Kind kind, double limit);

  Kind kind_ = Kind::kNone;
  double limit_ = 0.0;
};

} // namespace polytask
