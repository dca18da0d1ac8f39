// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <polytask/engine/route.h>

#include "../layers/layer_chain.h"
#include "known_heads.h"
#include "trunk.h"

namespace polytask::detail {

/// One step's losses and gradients with no graph, or with one over a part of
/// the model alone: a trunk, and known heads or any others behind it.
class StepProgram {
 public:
  /// The fastest program for the model, no further than `wanted` allows; null,
  /// with the reason, where there is none.
  static std::unique_ptr<StepProgram> make(
      const MultiTaskModel& model,
      const Plan& plan,
      const KnownTrunk& known,
      Route wanted,
      std::string& reason);

  /// As far as the model alone decides.
  Route route() const;
  bool has_trunk() const {
    return trunk_->route() != Route::kLinearProgram;
  }
  /// Why no more of it goes without a graph; empty where all does.
  const std::string& why_not_more() const {
    return why_not_more_;
  }
  /// The steps have one input, that of the first. `like`: a parameter of the
  /// model.
  Obstacle obstacle(
      c10::ArrayRef<HeadStep> steps, const at::Tensor& like) const;

  /// Computes the losses of the tasks that take part, on one input. Returns an
  /// undefined tensor; or, where autograd has to take the heads, what the trunk
  /// gave them, with its graph, and why, and no loss is computed.
  at::Tensor forward(
      c10::ArrayRef<HeadStep> steps,
      std::vector<double>& losses,
      Obstacle& why_graph);
  /// After autograd's backward to those features.
  void finish_graph();
  /// The gradients of the heads, and of the features.
  void backward_heads(c10::ArrayRef<HeadStep> steps);
  /// The trunk's gradients; writes `.grad` of all parameters. Whether anything
  /// has one.
  bool publish(c10::ArrayRef<HeadStep> steps);

  KnownHeads& heads() {
    return *heads_;
  }

 private:
  StepProgram(std::unique_ptr<Trunk> trunk, std::unique_ptr<KnownHeads> heads);

  bool knows_trunk() const {
    return trunk_->route() == Route::kTrunkProgram;
  }

  std::unique_ptr<Trunk> trunk_;
  std::unique_ptr<KnownHeads> heads_; // null: by their graph
  std::string why_not_more_;
  at::Tensor features_;
  at::Tensor cotangent_;
};

} // namespace polytask::detail
