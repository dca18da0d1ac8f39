// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "step_program.h"

#include <algorithm>
#include <typeinfo>

#include <polytask/sharing/hard_sharing.h>
#include <polytask/sharing/no_sharing.h>

#include "layer_trunk.h"

namespace polytask::detail {

StepProgram::StepProgram(
    std::unique_ptr<Trunk> trunk, std::unique_ptr<LinearHeads> heads)
    : trunk_(std::move(trunk)), heads_(std::move(heads)) {}

std::unique_ptr<StepProgram> StepProgram::make(
    const MultiTaskModel& model,
    const Plan& plan,
    Route wanted,
    std::string& reason) {
  if (plan.has_tied_modules()) {
    reason = "modules share a parameter";
    return nullptr;
  }
  auto heads = LinearHeads::make(model, reason);
  if (!heads) {
    return nullptr;
  }
  std::unique_ptr<Trunk> trunk;
  std::string why_not_more;
  const Sharing& sharing = model->sharing();
  if (typeid(sharing) == typeid(NoSharingImpl)) {
    trunk = std::make_unique<InputTrunk>();
  } else if (typeid(sharing) == typeid(HardSharingImpl)) {
    if (wanted == Route::kStackedHeads) {
      why_not_more = "stacked heads were asked for";
    } else {
      trunk = LayerTrunk::make(model, heads->width(), why_not_more);
    }
    if (!trunk) {
      trunk = std::make_unique<AutogradTrunk>(model);
    }
  } else {
    reason = "the engine knows no program for this sharing";
    return nullptr;
  }
  std::unique_ptr<StepProgram> program(
      new StepProgram(std::move(trunk), std::move(heads)));
  program->why_not_more_ = std::move(why_not_more);
  return program;
}

Obstacle StepProgram::obstacle(c10::ArrayRef<HeadStep> steps) const {
  const HeadStep& first = steps.front();
  const auto type = heads_->layer(first.task).weight->scalar_type();
  const at::Tensor& input = *first.input;
  if (!input.defined()) {
    // A trunk of the user's own may take what no kernel does.
    if (route() != Route::kStackedHeads) {
      return {"the input is several tensors"};
    }
    if (!first.inputs->device().is_cpu()) {
      return {"the batch is not on the CPU"};
    }
    return heads_->obstacle(type, first.inputs->rows(), steps);
  }
  if (!input.device().is_cpu()) {
    return {"the batch is not on the CPU"};
  }
  if (input.layout() != at::kStrided) {
    return {"the input is sparse"};
  }
  if (auto found = trunk_->obstacle(input)) {
    return found;
  }
  if (route() == Route::kLinearProgram) {
    if (auto found = feature_obstacle(input)) {
      return found;
    }
  }
  if (route() != Route::kStackedHeads && input.scalar_type() != type) {
    return {"the input is of another dtype", /*is_error=*/true};
  }
  return heads_->obstacle(type, input.size(0), steps);
}

Obstacle StepProgram::feature_obstacle(const at::Tensor& features) const {
  if (features.dim() != 2) {
    return {"the features are not a matrix [B, d]"};
  }
  if (features.size(1) != heads_->width()) {
    return {"the features are of another width", /*is_error=*/true};
  }
  if (features.requires_grad()) {
    return {"the input requires a gradient"};
  }
  return {};
}

at::Tensor StepProgram::forward(
    c10::ArrayRef<HeadStep> steps, std::vector<double>& losses) {
  torch::NoGradGuard no_grad;
  features_ = trunk_->forward(steps.front());
  if (route() == Route::kStackedHeads) {
    const auto& first = *heads_->layer(steps.front().task).weight;
    if (feature_obstacle(features_) ||
        features_.size(0) != steps.front().inputs->rows() ||
        features_.scalar_type() != first.scalar_type()) {
      return static_cast<AutogradTrunk&>(*trunk_).features();
    }
  }
  cotangent_ = trunk_->cotangent();
  heads_->forward(features_, steps, route() != Route::kLinearProgram, losses);
  return {};
}

void StepProgram::backward_heads(c10::ArrayRef<HeadStep> steps) {
  torch::NoGradGuard no_grad;
  heads_->backward(features_, steps, cotangent_);
}

bool StepProgram::publish(c10::ArrayRef<HeadStep> steps) {
  heads_->publish(steps);
  trunk_->clear_gradients();
  trunk_->backward();
  features_.reset();
  return cotangent_.defined() ||
      std::any_of(steps.begin(), steps.end(), [&](const HeadStep& step) {
           return heads_->layer(step.task).is_trained();
         });
}

void StepProgram::clear_gradients() {
  heads_->publish({});
  trunk_->clear_gradients();
}

} // namespace polytask::detail
