// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "mixture_program.h"

#include <algorithm>
#include <utility>

#include "../balanced/places.h"
#include "../gradient_sum.h"
#include "../layers/products.h"
#include "linear_layer.h"

namespace polytask::detail {

std::unique_ptr<MixtureProgram> MixtureProgram::make(
    const MultiTaskModel& model,
    const Plan& plan,
    std::shared_ptr<KnownMixtures> mixtures,
    Route wanted,
    std::string& reason) {
  if (!mixtures) {
    return nullptr;
  }
  std::unique_ptr<FeatureHeads> heads;
  std::string why_not = "it was asked for";
  if (wanted != Route::kLayers) {
    heads = FeatureHeads::make(model, plan, why_not);
  }
  std::unique_ptr<MixtureProgram> program(
      new MixtureProgram(std::move(mixtures), std::move(heads)));
  program->why_not_more_ = std::move(why_not);
  reason.clear();
  return program;
}

Obstacle MixtureProgram::obstacle(
    const HeadSteps& steps, bool share_input, const at::Tensor& like) const {
  if (!share_input && steps.size() > 1) {
    return {"the tasks have inputs of their own"};
  }
  return mixtures_->obstacle(*steps.front().input, like);
}

std::vector<Inputs> MixtureProgram::forward(
    const HeadSteps& steps,
    bool /*share_input*/,
    std::vector<double>& losses,
    Obstacle& why_graph) {
  torch::NoGradGuard no_grad;
  const auto& features =
      mixtures_->forward(*steps.front().input, places(steps));
  features_.assign(features.begin(), features.end());
  why_graph = {};
  if (!heads_) {
    why_graph = {why_not_more_};
  } else if (auto found = heads_->feature_obstacle(features_, steps)) {
    why_graph = std::move(found);
  } else {
    why_graph = heads_->obstacle(steps);
  }
  if (!why_graph) {
    heads_->forward(features_, steps, losses);
    return {};
  }
  leaves_.clear();
  for (Inputs& own : features_) {
    leaves_.push_back(own.tensor().detach());
    leaves_.back().requires_grad_(mixtures_->learns());
    own = leaves_.back();
  }
  return std::exchange(features_, {});
}

void MixtureProgram::differentiate(const std::vector<at::Tensor>& cotangents) {
  const auto options = cotangents[0].options();
  if (!row_.defined() || row_.dtype() != options.dtype()) {
    row_ = torch::empty({1, mixtures_->elements()}, options);
    gradients_.clear();
    int64_t place = 0;
    for (const auto& parameter : mixtures_->parameters()) {
      gradients_.push_back(alias(row_, place, parameter.sizes()));
      place += parameter.numel();
    }
  }
  mixtures_->write_sum(cotangents, row_);
}

void MixtureProgram::publish_mixtures(bool is_added) {
  const auto& parameters = mixtures_->parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!mixtures_->used()[i]) {
      continue;
    }
    const at::Tensor& before = parameters[i].grad();
    if (is_added && before.defined()) {
      parameters[i].mutable_grad() = gradient_sum(before, gradients_[i]);
    } else {
      set_gradient(parameters[i], gradients_[i]);
    }
  }
}

// A loss may have reached a parameter of an expert by itself.
void MixtureProgram::finish_graph() {
  torch::NoGradGuard no_grad;
  const auto leaves = std::exchange(leaves_, {});
  if (!mixtures_->learns()) {
    return;
  }
  std::vector<at::Tensor> cotangents;
  for (const at::Tensor& leaf : leaves) {
    cotangents.push_back(
        leaf.grad().defined() ? leaf.grad().contiguous()
                              : torch::zeros_like(leaf));
  }
  differentiate(cotangents);
  publish_mixtures(/*is_added=*/true);
}

void MixtureProgram::backward_heads(const HeadSteps& steps) {
  torch::NoGradGuard no_grad;
  heads_->backward_apart(features_, steps);
}

bool MixtureProgram::publish(const HeadSteps& steps) {
  torch::NoGradGuard no_grad;
  heads_->publish(steps);
  for (const auto& parameter : mixtures_->registered()) {
    set_gradient(parameter, {});
  }
  if (mixtures_->learns()) {
    cotangents_.clear();
    for (size_t i = 0; i < steps.size(); ++i) {
      cotangents_.push_back(heads_->cotangent(i));
    }
    differentiate(cotangents_);
    publish_mixtures(/*is_added=*/false);
  }
  features_.clear();
  return mixtures_->learns() ||
      std::ranges::any_of(steps, [&](const HeadStep& step) {
           return heads_->is_trained(step.task);
         });
}

} // namespace polytask::detail
