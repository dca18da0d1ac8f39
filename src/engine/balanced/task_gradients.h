// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <polytask/engine/route.h>
#include <polytask/math/matrix.h>

#include "../program/head_step.h"
#include "task_weights.h"

namespace polytask::detail {

/// One step's losses, and the gradient of each for what the tasks share: n
/// tasks take part, N shared parameters are trained. A task's loss is meant
/// times its task's weight, save in `forward`.
///
/// Call in this order, each once: `forward`, `backward_heads`, then `gramian`
/// or `jacobian` or neither, then one `publish`.
class TaskGradients {
 public:
  virtual ~TaskGradients() = default;

  /// Whether a publish is autograd's backward, where hooks and functions of the
  /// user's may throw.
  virtual bool publishes_by_graph() const {
    return true;
  }
  /// How the last step went.
  virtual const RouteChoice& choice() const = 0;
  /// [n], detached: the losses without their weights. Changes nothing.
  virtual torch::Tensor forward(const HeadSteps& steps, bool share_input) = 0;
  /// Writes `.grad` of each task's own parameters.
  virtual void backward_heads() = 0;
  /// [n, n], of the Jacobian or, where that was asked for, of the features.
  virtual math::Matrix gramian() = 0;
  /// [n, N].
  virtual torch::Tensor jacobian() = 0;
  /// Writes `.grad` of what is shared: Jᵀ `weights`.
  virtual void publish_weighted(const TaskWeights& weights) = 0;
  /// The same from a vector [N].
  virtual void publish_direction(const torch::Tensor& direction) = 0;
  /// A part of both: the gradients of what is neither shared nor a head's, as
  /// of a parameter that a loss has.
  virtual void publish_strays() = 0;
  /// Multiplies the gradients that `backward_heads` wrote.
  virtual void scale_heads(const TaskWeights& weights) = 0;
  /// The number of elements of each shared parameter in turn.
  virtual std::vector<int64_t> block_sizes() const = 0;
  /// Whether some task of the step uses it, of each shared parameter; known
  /// with the Jacobian.
  virtual std::vector<bool> used() const = 0;
};

} // namespace polytask::detail
