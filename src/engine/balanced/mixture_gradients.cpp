// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "mixture_gradients.h"

#include <ATen/TensorOperators.h>

#include <utility>

#include "../features.h"
#include "../layers/products.h"
#include "gramian_sum.h"
#include "places.h"

namespace polytask::detail {

std::unique_ptr<MixtureGradients> MixtureGradients::make(
    StepContext& context,
    std::shared_ptr<KnownMixtures> mixtures,
    std::string& reason) {
  if (!mixtures) {
    return nullptr;
  }
  const Plan& plan = context.plan();
  const auto why_not = why_not_all(mixtures->parameters(), plan);
  if (!why_not.empty()) {
    reason =
        plan.has_gates() ? "gates or experts are single tasks' own" : why_not;
    return nullptr;
  }
  reason.clear();
  return std::unique_ptr<MixtureGradients>(
      new MixtureGradients(context, std::move(mixtures)));
}

Obstacle MixtureGradients::obstacle(
    const HeadSteps& steps, bool share_input) const {
  if (!share_input && steps.size() > 1) {
    return {"the tasks have inputs of their own"};
  }
  const Route wanted = context_.options.route();
  if (wanted == Route::kLayerGramian || wanted == Route::kFeatureGradients) {
    return {"the tasks do not share one feature tensor"};
  }
  return mixtures_->obstacle(
      *steps[0].input, context_.plan().parameters().front());
}

torch::Tensor MixtureGradients::forward(
    const HeadSteps& steps, bool /*share_input*/) {
  torch::NoGradGuard no_grad;
  begin(steps);
  choice_ = {Route::kLayers, what_is_known()};
  const auto& features = mixtures_->forward(*steps[0].input, places(steps));
  is_used_ = mixtures_->used();
  if (mixtures_->has_own_loss()) {
    differentiate_own_loss(context_, steps);
  }
  return heads_.forward(steps, {features.begin(), features.end()});
}

void MixtureGradients::backward_heads() {
  heads_.backward();
  cotangents_ = heads_.cotangents_apart();
}

torch::Tensor MixtureGradients::jacobian() {
  torch::NoGradGuard no_grad;
  choice_.route = Route::kLayerJacobian;
  // The user may keep a direction, but nobody keeps the rows.
  reserve(rows_, {tasks(), mixtures_->elements()}, cotangents_[0].options());
  mixtures_->write_rows(cotangents_, rows_);
  add_strays(rows_);
  has_rows_ = true;
  return rows_;
}

math::Matrix MixtureGradients::gramian() {
  torch::NoGradGuard no_grad;
  GramianSum sum(tasks());
  sum.add_rows(jacobian());
  return sum.value();
}

void MixtureGradients::publish_weighted(const TaskWeights& weights) {
  torch::NoGradGuard no_grad;
  const torch::Tensor factors = weights.as(cotangents_[0].options());
  if (has_rows_) {
    publish_direction(torch::mv(rows_.t(), factors));
    return;
  }
  const torch::Tensor direction =
      torch::zeros({1, mixtures_->elements()}, cotangents_[0].options());
  if (mixtures_->learns()) {
    for (size_t i = 0; i < cotangents_.size(); ++i) {
      cotangents_[i].mul_(factors[static_cast<int64_t>(i)]);
    }
    mixtures_->write_sum(cotangents_, direction);
  }
  add_strays(direction.view(-1), factors);
  publish_direction(direction.view(-1));
}

// What nothing uses has no gradient, not one of zeros.
void MixtureGradients::publish_direction(const torch::Tensor& direction) {
  KnownGradients::publish_direction(direction);
  for (size_t i = 0; i < shared().size(); ++i) {
    if (!is_used_[i]) {
      shared()[i].mutable_grad().reset();
    }
  }
}

} // namespace polytask::detail
