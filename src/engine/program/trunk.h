// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <polytask/engine/route.h>

#include "head_step.h"
#include "obstacle.h"

namespace polytask::detail {

/// What stands between the input and the heads, as a program sees it.
class Trunk {
 public:
  virtual ~Trunk() = default;

  /// With linear heads behind it.
  virtual Route route() const = 0;
  /// Looks at what changes from step to step. `like`: a parameter of the
  /// model.
  virtual Obstacle obstacle(
      const at::Tensor& input, const at::Tensor& like) const = 0;
  /// The features [B, width], without a graph of their own, of a step's input.
  virtual at::Tensor forward(const HeadStep& step) = 0;
  /// Where the gradient of the features is to be written; undefined where
  /// nothing below the heads learns.
  virtual at::Tensor cotangent() = 0;
  virtual void clear_gradients() = 0;
  /// Writes the trunk's gradients, from `cotangent`.
  virtual void backward() = 0;

  /// The features of the last forward, for heads that only autograd can take.
  virtual at::Tensor with_graph() {
    return {};
  }
  /// After autograd's backward to there: what it left to do.
  virtual void finish_graph() {}
};

/// No trunk: the heads see the input.
class InputTrunk : public Trunk {
 public:
  Route route() const override {
    return Route::kLinearProgram;
  }
  Obstacle obstacle(
      const at::Tensor& /*input*/, const at::Tensor& /*like*/) const override {
    return {};
  }
  at::Tensor forward(const HeadStep& step) override {
    return step.input->is_contiguous() ? *step.input : step.input->contiguous();
  }
  at::Tensor cotangent() override {
    return {};
  }
  void clear_gradients() override {}
  void backward() override {}
};

} // namespace polytask::detail
