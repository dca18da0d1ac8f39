// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "../step_context.h"
#include "feature_heads.h"
#include "step_program.h"

namespace polytask::detail {

/// Any sharing, through autograd, and known heads behind it, which may have
/// features of their own.
class StackedProgram : public StepProgram {
 public:
  /// Null, with the reason, where there is nothing below the heads, or these
  /// are of another kind. `why_not_more`: why the sharing takes a graph.
  static std::unique_ptr<StackedProgram> make(
      const StepContext& context,
      std::string why_not_more,
      std::string& reason);

  Route route() const override {
    return Route::kStackedHeads;
  }
  const std::string& why_not_more() const override {
    return why_not_more_;
  }
  at::ScalarType type(int64_t task) const override {
    return heads_->type(task);
  }
  Obstacle obstacle(
      const HeadSteps& steps,
      bool share_input,
      const at::Tensor& like) const override;
  std::vector<Inputs> forward(
      const HeadSteps& steps,
      bool share_input,
      std::vector<double>& losses,
      Obstacle& why_graph) override;
  void backward_heads(const HeadSteps& steps) override;
  bool publish(const HeadSteps& steps) override;
  void forget_step() {
    features_.clear();
    cotangents_ = {};
  }

 private:
  StackedProgram(
      const StepContext& context,
      std::unique_ptr<FeatureHeads> heads,
      std::string why_not_more);

  const StepContext& context_;
  std::vector<torch::Tensor> parameters_; // of the sharing
  std::unique_ptr<FeatureHeads> heads_;
  std::string why_not_more_;
  std::vector<Inputs> features_; // with their graph
  FeatureHeads::Cotangents cotangents_;
};

} // namespace polytask::detail
