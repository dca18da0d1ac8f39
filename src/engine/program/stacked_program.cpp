// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "stacked_program.h"

#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <typeinfo>
#include <utility>

#include <polytask/sharing/no_sharing.h>

#include "../features.h"

namespace polytask::detail {

std::unique_ptr<StackedProgram> StackedProgram::make(
    const StepContext& context, std::string why_not_more, std::string& reason) {
  const Sharing& sharing = context.model->sharing();
  if (typeid(sharing) == typeid(NoSharingImpl)) {
    reason = "nothing is below the heads";
    return nullptr;
  }
  auto heads = FeatureHeads::make(context.model, context.plan(), reason);
  return heads ? std::unique_ptr<StackedProgram>(new StackedProgram(
                     context, std::move(heads), std::move(why_not_more)))
               : nullptr;
}

StackedProgram::StackedProgram(
    const StepContext& context,
    std::unique_ptr<FeatureHeads> heads,
    std::string why_not_more)
    : context_(context),
      parameters_(context.model->sharing().parameters()),
      heads_(std::move(heads)),
      why_not_more_(std::move(why_not_more)) {}

Obstacle StackedProgram::obstacle(
    const HeadSteps& steps,
    bool /*share_input*/,
    const at::Tensor& /*like*/) const {
  for (const HeadStep& step : steps) {
    if (!step.inputs->device().is_cpu()) {
      return {"the batch is not on the CPU"};
    }
    if (step.input->defined() && step.input->layout() != at::kStrided) {
      return {"the input is sparse"};
    }
  }
  return {};
}

std::vector<Inputs> StackedProgram::forward(
    const HeadSteps& steps,
    bool share_input,
    std::vector<double>& losses,
    Obstacle& why_graph) {
  {
    torch::AutoGradMode grad_mode(true);
    features_ = features_of(context_, steps, share_input);
  }
  torch::NoGradGuard no_grad;
  why_graph = heads_->feature_obstacle(features_, steps);
  if (!why_graph) {
    why_graph = heads_->obstacle(steps);
  }
  if (why_graph) {
    return std::exchange(features_, {});
  }
  heads_->forward(features_, steps, losses);
  return {};
}

void StackedProgram::backward_heads(const HeadSteps& steps) {
  torch::NoGradGuard no_grad;
  cotangents_ = heads_->backward(features_, steps);
}

bool StackedProgram::publish(const HeadSteps& steps) {
  heads_->publish(steps);
  for (torch::Tensor& parameter : parameters_) {
    parameter.mutable_grad().reset();
  }
  auto [outputs, values] = std::exchange(cotangents_, {});
  features_.clear();
  if (const auto own = context_.own_loss->take(context_.loss_scale());
      own.defined() && own.requires_grad()) {
    values.push_back(torch::ones_like(own));
    outputs.push_back(own);
  }
  if (!outputs.empty()) {
    torch::autograd::backward(outputs, values);
  }
  return !outputs.empty() ||
      std::any_of(steps.begin(), steps.end(), [&](const HeadStep& step) {
        return heads_->is_trained(step.task);
      });
}

} // namespace polytask::detail
