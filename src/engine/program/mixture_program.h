// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../mixtures/known_mixtures.h"
#include "feature_heads.h"
#include "step_program.h"

namespace polytask::detail {

/// Known mixtures, and known heads or any others behind each task's
/// features.
class MixtureProgram : public StepProgram {
 public:
  /// Null, with the reason, where the sharing is of another kind, or more is
  /// wanted than it can.
  static std::unique_ptr<MixtureProgram> make(
      const MultiTaskModel& model,
      const Plan& plan,
      std::shared_ptr<KnownMixtures> mixtures,
      Route wanted,
      std::string& reason);

  const char* parts() const {
    return mixtures_->parts();
  }
  bool has_own_loss() const {
    return mixtures_->has_own_loss();
  }
  Route route() const override {
    return heads_ ? Route::kTrunkProgram : Route::kLayers;
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
  void finish_graph() override;
  void backward_heads(const HeadSteps& steps) override;
  bool publish(const HeadSteps& steps) override;

 private:
  MixtureProgram(
      std::shared_ptr<KnownMixtures> mixtures,
      std::unique_ptr<FeatureHeads> heads)
      : mixtures_(std::move(mixtures)), heads_(std::move(heads)) {}

  void differentiate(const std::vector<at::Tensor>& cotangents);
  /// `is_added`: to what autograd left there.
  void publish_mixtures(bool is_added);

  std::shared_ptr<KnownMixtures> mixtures_;
  std::unique_ptr<FeatureHeads> heads_; // null: by their graph
  std::string why_not_more_;
  std::vector<Inputs> features_;
  std::vector<at::Tensor> leaves_; // where autograd takes the heads
  std::vector<at::Tensor> cotangents_;
  at::Tensor row_;                    // [1, N]
  std::vector<at::Tensor> gradients_; // the same memory
};

} // namespace polytask::detail
