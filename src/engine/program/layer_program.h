// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../layers/layer_chain.h"
#include "known_heads.h"
#include "step_program.h"
#include "trunk.h"

namespace polytask::detail {

/// A trunk of known layers, or none, and known heads or any others behind it.
class LayerProgram : public StepProgram {
 public:
  /// The fastest one for the model, no further than `wanted` allows; null, with
  /// the reason, where there is none.
  static std::unique_ptr<LayerProgram> make(
      const MultiTaskModel& model,
      const Plan& plan,
      const KnownTrunk& known,
      Route wanted,
      std::string& reason);

  Route route() const override;
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
  void finish_graph() override;
  void backward_heads(const HeadSteps& steps) override;
  bool publish(const HeadSteps& steps) override;

  KnownHeads& heads() {
    return *heads_;
  }

 private:
  LayerProgram(std::unique_ptr<Trunk> trunk, std::unique_ptr<KnownHeads> heads);

  bool has_trunk() const {
    return trunk_->route() == Route::kTrunkProgram;
  }
  // On one input.
  Obstacle obstacle(
      c10::ArrayRef<HeadStep> steps, const at::Tensor& like) const;
  Obstacle forward(c10::ArrayRef<HeadStep> steps, std::vector<double>& losses);

  std::unique_ptr<Trunk> trunk_;
  std::unique_ptr<KnownHeads> heads_; // null: by their graph
  std::string why_not_more_;
  at::Tensor features_;
  at::Tensor cotangent_;
  /// The tasks have inputs of their own; gradients are computed with losses.
  bool apart_ = false;
};

} // namespace polytask::detail
