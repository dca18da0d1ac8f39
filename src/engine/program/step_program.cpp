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
    std::unique_ptr<Trunk> trunk, std::unique_ptr<KnownHeads> heads)
    : trunk_(std::move(trunk)), heads_(std::move(heads)) {}

std::unique_ptr<StepProgram> StepProgram::make(
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
  const bool may_be_known = wanted != Route::kStackedHeads;
  if (known.chain && may_be_known) {
    trunk = std::make_unique<ChainTrunk>(known);
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

Route StepProgram::route() const {
  if (!heads_) {
    return Route::kLayers;
  }
  return has_trunk() || heads_->are_linear() ? trunk_->route()
                                             : Route::kTrunkProgram;
}

Obstacle StepProgram::obstacle(
    c10::ArrayRef<HeadStep> steps, const at::Tensor& like) const {
  const HeadStep& first = steps.front();
  if (!first.inputs->device().is_cpu()) {
    return {"the batch is not on the CPU"};
  }
  const at::Tensor& input = *first.input;
  if (knows_trunk()) {
    return trunk_->obstacle(input, like);
  }
  if (input.defined() && input.layout() != at::kStrided) {
    return {"the input is sparse"};
  }
  if (!has_trunk()) {
    if (!input.defined()) {
      return {"the input is several tensors"};
    }
    if (input.requires_grad()) {
      return {"the input requires a gradient"};
    }
    if (auto found = heads_->feature_obstacle(input, steps)) {
      return found;
    }
  }
  return heads_->obstacle(first.inputs->rows(), steps);
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
  } else if (has_trunk()) {
    why_graph = heads_->feature_obstacle(features_, steps);
    if (!why_graph && knows_trunk()) {
      why_graph = heads_->obstacle(first.inputs->rows(), steps);
    }
  }
  if (why_graph) {
    features_.reset();
    return trunk_->with_graph();
  }
  cotangent_ = trunk_->cotangent();
  heads_->forward(features_, steps, cotangent_.defined(), losses);
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
           return heads_->is_trained(step.task);
         });
}

} // namespace polytask::detail
