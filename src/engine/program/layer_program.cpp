// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "layer_program.h"

#include <algorithm>
#include <typeinfo>

#include <polytask/sharing/no_sharing.h>

#include "chain_trunk.h"

namespace polytask::detail {

LayerProgram::LayerProgram(
    std::unique_ptr<Trunk> trunk, std::unique_ptr<KnownHeads> heads)
    : trunk_(std::move(trunk)), heads_(std::move(heads)) {}

std::unique_ptr<LayerProgram> LayerProgram::make(
    const MultiTaskModel& model,
    const Plan& plan,
    const KnownTrunk& known,
    Route wanted,
    std::string& reason) {
  std::unique_ptr<KnownHeads> heads;
  std::string why_not = "it was asked for";
  if (wanted != Route::kLayers) {
    heads = KnownHeads::make(model, plan, why_not);
  }
  std::unique_ptr<Trunk> trunk;
  const Sharing& sharing = model->sharing();
  if (known.chain) {
    trunk = std::make_unique<ChainTrunk>(known);
  } else if (heads && typeid(sharing) == typeid(NoSharingImpl)) {
    trunk = std::make_unique<InputTrunk>();
  } else {
    reason = heads || wanted == Route::kLayers ? known.why_not : why_not;
    return nullptr;
  }
  std::unique_ptr<LayerProgram> program(
      new LayerProgram(std::move(trunk), std::move(heads)));
  program->why_not_more_ = std::move(why_not);
  return program;
}

Route LayerProgram::route() const {
  if (!heads_) {
    return Route::kLayers;
  }
  return heads_->are_linear() ? trunk_->route() : Route::kTrunkProgram;
}

Obstacle LayerProgram::obstacle(
    const HeadSteps& steps, bool share_input, const at::Tensor& like) const {
  if (share_input) {
    return obstacle(steps, like);
  }
  if (steps.size() > 1 && has_trunk()) {
    return {"the tasks have inputs of their own behind a trunk"};
  }
  for (const HeadStep& step : steps) {
    if (auto found = obstacle(step, like)) {
      return found;
    }
  }
  return {};
}

Obstacle LayerProgram::obstacle(
    c10::ArrayRef<HeadStep> steps, const at::Tensor& like) const {
  const HeadStep& first = steps.front();
  if (!first.inputs->device().is_cpu()) {
    return {"the batch is not on the CPU"};
  }
  const at::Tensor& input = *first.input;
  if (has_trunk()) {
    return trunk_->obstacle(input, like);
  }
  if (!input.defined()) {
    return {"the input is several tensors"};
  }
  if (input.layout() != at::kStrided) {
    return {"the input is sparse"};
  }
  if (input.requires_grad()) {
    return {"the input requires a gradient"};
  }
  if (auto found = heads_->feature_obstacle(input, steps)) {
    return found;
  }
  return heads_->obstacle(first.inputs->rows(), steps);
}

std::vector<Inputs> LayerProgram::forward(
    const HeadSteps& steps,
    bool share_input,
    std::vector<double>& losses,
    Obstacle& why_graph) {
  torch::NoGradGuard no_grad;
  apart_ = !share_input && steps.size() > 1;
  for (size_t i = 0; apart_ && i < steps.size(); ++i) {
    forward(steps[i], losses);
    heads_->backward(features_, steps[i], cotangent_);
  }
  why_graph = apart_ ? Obstacle{} : forward(steps, losses);
  if (!why_graph) {
    return {};
  }
  features_.reset();
  return std::vector<Inputs>(steps.size(), trunk_->with_graph());
}

Obstacle LayerProgram::forward(
    c10::ArrayRef<HeadStep> steps, std::vector<double>& losses) {
  const HeadStep& first = steps.front();
  features_ = trunk_->forward(first);
  if (!heads_) {
    return {why_not_more_};
  }
  if (has_trunk()) {
    if (auto found = heads_->feature_obstacle(features_, steps)) {
      return found;
    }
    if (auto found = heads_->obstacle(first.inputs->rows(), steps)) {
      return found;
    }
  }
  cotangent_ = trunk_->cotangent();
  heads_->forward(features_, steps, cotangent_.defined(), losses);
  return {};
}

void LayerProgram::finish_graph() {
  torch::NoGradGuard no_grad;
  trunk_->finish_graph();
}

void LayerProgram::backward_heads(const HeadSteps& steps) {
  torch::NoGradGuard no_grad;
  if (!apart_) {
    heads_->backward(features_, steps, cotangent_);
  }
}

bool LayerProgram::publish(const HeadSteps& steps) {
  heads_->publish(steps);
  trunk_->clear_gradients();
  trunk_->backward();
  features_.reset();
  return cotangent_.defined() ||
      std::any_of(steps.begin(), steps.end(), [&](const HeadStep& step) {
           return heads_->is_trained(step.task);
         });
}

} // namespace polytask::detail
