// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/inputs.h>
#include <polytask/engine/route.h>

#include <string>
#include <vector>

#include "head_step.h"
#include "obstacle.h"

namespace polytask::detail {

/// One step's losses and gradients with no graph, or with one over a part of
/// the model alone.
class StepProgram {
 public:
  virtual ~StepProgram() = default;

  /// As far as the model alone decides.
  virtual Route route() const = 0;
  /// Why no more of it goes without a graph; empty where all does.
  virtual const std::string& why_not_more() const = 0;
  virtual at::ScalarType type(int64_t task) const = 0;
  /// `share_input`: the steps have one input, that of the first. `like`: a
  /// parameter of the model.
  virtual Obstacle obstacle(
      const HeadSteps& steps,
      bool share_input,
      const at::Tensor& like) const = 0;

  /// Computes the losses of the tasks that take part. Returns nothing; or,
  /// where autograd has to take the heads, what each was given, with its graph,
  /// and why, and no loss is computed.
  virtual std::vector<Inputs> forward(
      const HeadSteps& steps,
      bool share_input,
      std::vector<double>& losses,
      Obstacle& why_graph) = 0;
  /// After autograd's backward to those features.
  virtual void finish_graph() {}
  /// The gradients of the heads, and of the features.
  virtual void backward_heads(const HeadSteps& steps) = 0;
  /// The gradients below the heads; writes `.grad` of all parameters. Whether
  /// anything has one.
  virtual bool publish(const HeadSteps& steps) = 0;
};

} // namespace polytask::detail
