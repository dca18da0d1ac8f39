// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../layers/known_layer.h"
#include "../program/linear_heads.h"
#include "../step_context.h"
#include "cut_heads.h"
#include "task_gradients.h"

namespace polytask::detail {

/// The gradients of a hard-shared trunk of known layers, without a graph of it:
/// all tasks' cotangents go through it together.
class LayerGradients : public TaskGradients {
 public:
  /// Null, with the reason, where the model's trunk is of another kind.
  static std::unique_ptr<LayerGradients> make(
      StepContext& context, std::string& reason);

  /// Why it cannot take this step.
  Obstacle obstacle(const HeadSteps& steps, bool share_input) const;

  const RouteChoice& choice() const override {
    return choice_;
  }
  torch::Tensor forward(const HeadSteps& steps, bool share_input) override;
  void backward_heads() override;
  math::Matrix gramian() override;
  torch::Tensor jacobian() override;
  void publish_weighted(const TaskWeights& weights) override;
  void publish_direction(const torch::Tensor& direction) override;
  void publish_strays() override;
  void scale_heads(const TaskWeights& weights) override;
  std::vector<int64_t> block_sizes() const override;
  std::vector<bool> used() const override {
    return std::vector<bool>(shared_.size(), true);
  }

 private:
  explicit LayerGradients(StepContext& context) : context_(context) {}

  int64_t tasks() const {
    return static_cast<int64_t>(steps_.size());
  }
  /// Whether these are the layers' parameters, in their order.
  bool has_columns(const std::vector<torch::Tensor>& columns) const;
  bool learns_below(size_t layer) const;
  bool has_shared_strays() const;
  void add_strays(const torch::Tensor& rows) const;
  bool holds_rows() const;
  void descend_to_top();
  void write_rows(torch::Tensor rows);
  /// Visits each layer that learns, from the top, with the cotangents of its
  /// output.
  template <typename Visit>
  void backward(torch::Tensor cotangents, int64_t tasks, const Visit& visit);

  StepContext& context_;
  std::vector<std::unique_ptr<KnownLayer>> layers_;
  std::unique_ptr<LinearHeads> linear_heads_; // where heads are linear
  bool uses_linear_heads_ = false;
  CutHeads cut_heads_;
  HeadSteps steps_;
  TaskWeights head_weights_; // where the heads are weighted
  RouteChoice choice_;

  // Of the step.
  torch::Tensor features_;
  torch::Tensor features_cotangents_; // as the heads wrote them
  math::Matrix feature_gramian_;      // where it was asked for
  torch::Tensor cotangents_;          // of layer `top_`, [n · B, ...]
  /// One past the highest layer that learns, or keeps cotangents above one.
  size_t top_ = 0;
  /// Of each layer: its parameters' place among all, and their number.
  std::vector<int64_t> offsets_;
  std::vector<int64_t> counts_;
  std::vector<torch::Tensor> shared_;
  int64_t count_ = 0; // N
  torch::Tensor rows_;
  bool has_rows_ = false;
};

} // namespace polytask::detail
