// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <vector>

#include <polytask/balancing/bilevel_problem.h>

#include "../step_context.h"

namespace polytask::detail {

/// A model for a bilevel method: the losses of one step's tasks, each times its
/// task's weight, by autograd. The parameters are those that are trained and
/// that the optimizer holds.
class ModelProblem : public balancing::BilevelProblem {
 public:
  /// The same tasks on two batches, which must outlive this.
  struct Side {
    HeadSteps tasks;
    bool share_input;
  };

  /// Throws if nothing is trained.
  ModelProblem(const StepContext& context, Side inner, Side outer);

  int64_t tasks() const override;
  math::Vector losses(Data data) override;
  Rows gradients(Data data) override;
  Sum gradient(Data data, const math::Vector& weights) override;
  void move(double step, const at::Tensor& direction) override;
  void put_back() override;
  double learning_rate() const override;

  /// The parameters as they were, and what forwards wrote to the model's
  /// buffers undone, as of a batch normalisation.
  void undo();
  /// What the first forward on the inner batch wrote to the buffers, for a
  /// method whose update has no forward of its own.
  void keep_inner_buffers();
  const std::vector<torch::Tensor>& parameters() const {
    return parameters_;
  }
  /// The losses [n] on the inner batch before any move, detached, without their
  /// tasks' weights; undefined if they were not asked for.
  const torch::Tensor& inner_losses() const {
    return inner_losses_;
  }

 private:
  std::vector<torch::Tensor> forward(Data data, math::Vector& values);
  void write_gradient(
      const torch::Tensor& value, torch::Tensor row, bool keep) const;

  const StepContext& context_;
  Side inner_;
  Side outer_;
  std::vector<torch::Tensor> parameters_;
  std::vector<torch::Tensor> saved_parameters_; // from the first move on
  std::vector<torch::Tensor> buffers_;
  std::vector<torch::Tensor> saved_buffers_;
  std::vector<torch::Tensor> inner_buffers_;
  bool has_moved_ = false;
  torch::Tensor inner_losses_;
};

} // namespace polytask::detail
