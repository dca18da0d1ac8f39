// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <polytask/core/api.h>
#include <polytask/math/matrix.h>

namespace polytask::balancing {

/// What a bilevel method may ask of the model that it never sees: T tasks'
/// losses and their gradients for all N parameters that are trained, those of
/// the heads too, on two independent batches. The parameters can be moved and
/// put back; all that is asked is answered where they are.
class POLYTASK_API BilevelProblem {
 public:
  enum class Data {
    /// Which the model learns from.
    kInner,
    /// By which the weights are judged.
    kOuter,
  };
  struct Rows {
    math::Vector losses;  // [T]
    at::Tensor gradients; // [T, N]
  };
  struct Sum {
    math::Vector losses; // [T]
    at::Tensor gradient; // [N], of Σ weight · loss
  };

  virtual ~BilevelProblem() = default;

  virtual int64_t tasks() const = 0;
  /// [T], without a graph: one forward.
  virtual math::Vector losses(Data data) = 0;
  /// One forward, one backward for each task.
  virtual Rows gradients(Data data) = 0;
  /// One forward, one backward.
  virtual Sum gradient(Data data, const math::Vector& weights) = 0;

  /// θ ← θ + `step` · `direction` [N].
  virtual void move(double step, const at::Tensor& direction) = 0;
  /// θ as it was before the first move, bit for bit.
  virtual void put_back() = 0;

  /// That of the model's optimizer. Throws where it has several.
  virtual double learning_rate() const = 0;
};

} // namespace polytask::balancing
