// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <memory>

#include <polytask/engine/route.h>
#include <polytask/model/multi_task_model.h>

#include "head_step.h"
#include "obstacle.h"

namespace polytask::detail {

/// What stands between the input and the heads, as a program sees it.
class Trunk {
 public:
  virtual ~Trunk() = default;

  virtual Route route() const = 0;
  /// Looks at what changes from step to step.
  virtual Obstacle obstacle(const at::Tensor& input) const = 0;
  /// The features [B, width], without a graph of their own, of a step's input.
  virtual at::Tensor forward(const HeadStep& step) = 0;
  /// Where the gradient of the features is to be written; undefined where
  /// nothing below the heads learns.
  virtual at::Tensor cotangent() = 0;
  virtual void clear_gradients() = 0;
  /// Writes the trunk's gradients, from `cotangent`.
  virtual void backward() = 0;
};

/// No trunk: the heads see the input.
class InputTrunk : public Trunk {
 public:
  Route route() const override {
    return Route::kLinearProgram;
  }
  Obstacle obstacle(const at::Tensor& /*input*/) const override {
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

/// Any trunk, through autograd.
class AutogradTrunk : public Trunk {
 public:
  explicit AutogradTrunk(const MultiTaskModel& model);

  Route route() const override {
    return Route::kStackedHeads;
  }
  Obstacle obstacle(const at::Tensor& /*input*/) const override {
    return {};
  }
  at::Tensor forward(const HeadStep& step) override;
  at::Tensor cotangent() override;
  void clear_gradients() override;
  void backward() override;
  /// With their graph, as `forward` computed them.
  const at::Tensor& features() const {
    return features_;
  }

 private:
  const MultiTaskModel model_;
  std::vector<torch::Tensor> parameters_;
  at::Tensor features_;
  at::Tensor cotangent_;
};

} // namespace polytask::detail
