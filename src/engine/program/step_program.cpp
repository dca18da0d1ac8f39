// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "step_program.h"

#include <algorithm>
#include <typeinfo>

#include <polytask/sharing/hard_sharing.h>
#include <polytask/sharing/no_sharing.h>

#include "chain_trunk.h"

namespace polytask::detail {

StepProgram::StepProgram(
    std::unique_ptr<Trunk> trunk, std::unique_ptr<LinearHeads> heads)
    : trunk_(std::move(trunk)), heads_(std::move(heads)) {}

std::unique_ptr<StepProgram> StepProgram::make(
    const MultiTaskModel& model,
    const Plan& plan,
    const KnownTrunk& known,
    Route wanted,
    std::string& reason) {
  if (plan.has_tied_modules()) {
    reason = "modules share a parameter";
    return nullptr;
  }
  std::unique_ptr<LinearHeads> heads;
  std::string why_not = "it was asked for";
  if (wanted != Route::kLayers) {
    heads = LinearHeads::make(model, why_not);
  }
  std::unique_ptr<Trunk> trunk;
  const Sharing& sharing = model->sharing();
  const bool may_be_known = wanted != Route::kStackedHeads;
  if (known.chain && may_be_known) {
    trunk = std::make_unique<ChainTrunk>(model, known.chain);
  } else if (!heads) {
    reason = wanted == Route::kLayers ? known.why_not : why_not;
    return nullptr;
  } else if (typeid(sharing) == typeid(NoSharingImpl)) {
    trunk = std::make_unique<InputTrunk>();
  } else if (typeid(sharing) == typeid(HardSharingImpl)) {
    trunk = std::make_unique<AutogradTrunk>(model);
    why_not = may_be_known ? known.why_not : "stacked heads were asked for";
  } else {
    reason = "the engine knows no program for this sharing";
    return nullptr;
  }
  std::unique_ptr<StepProgram> program(
      new StepProgram(std::move(trunk), std::move(heads)));
  program->why_not_more_ = std::move(why_not);
  return program;
}

Obstacle StepProgram::obstacle(
    c10::ArrayRef<HeadStep> steps, const at::Tensor& like) const {
  const HeadStep& first = steps.front();
  if (!first.inputs->device().is_cpu()) {
    return {"the batch is not on the CPU"};
  }
  if (knows_trunk()) {
    return trunk_->obstacle(*first.input, like);
  }
  const at::Tensor& input = *first.input;
  if (input.defined() && input.layout() != at::kStrided) {
    return {"the input is sparse"};
  }
  if (route() == Route::kLinearProgram) {
    if (!input.defined()) {
      return {"the input is several tensors"};
    }
    if (auto found = feature_obstacle(input)) {
      return found;
    }
    if (input.scalar_type() != heads_->type(first.task)) {
      return {"the input is of another dtype", /*is_error=*/true};
    }
  }
  return heads_obstacle(steps);
}

Obstacle StepProgram::heads_obstacle(c10::ArrayRef<HeadStep> steps) const {
  const HeadStep& first = steps.front();
  return heads_->obstacle(
      heads_->type(first.task), first.inputs->rows(), steps);
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
    c10::ArrayRef<HeadStep> steps,
    std::vector<double>& losses,
    Obstacle& why_graph) {
  torch::NoGradGuard no_grad;
  const HeadStep& first = steps.front();
  features_ = trunk_->forward(first);
  if (!heads_) {
    why_graph = {why_not_more_};
  } else if (route() != Route::kLinearProgram) {
    why_graph = feature_obstacle(features_);
    if (!why_graph && features_.size(0) != first.inputs->rows()) {
      why_graph = {"the features are not of the input's rows"};
    }
    if (!why_graph && features_.scalar_type() != heads_->type(first.task)) {
      why_graph = {"the features are of another dtype", /*is_error=*/true};
    }
    if (!why_graph && knows_trunk()) {
      why_graph = heads_obstacle(steps);
    }
  }
  if (why_graph) {
    features_.reset();
    return trunk_->with_graph();
  }
  cotangent_ = trunk_->cotangent();
  heads_->forward(features_, steps, route() != Route::kLinearProgram, losses);
  return {};
}

void StepProgram::finish_graph() {
  torch::NoGradGuard no_grad;
  trunk_->finish_graph();
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
  if (heads_) {
    heads_->publish({});
  }
  trunk_->clear_gradients();
}

} // namespace polytask::detail
