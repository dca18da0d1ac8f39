// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "mixture_gradients.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <utility>

#include "../layers/products.h"
#include "gramian_sum.h"
#include "vectors.h"

namespace polytask::detail {

std::unique_ptr<MixtureGradients> MixtureGradients::make(
    StepContext& context,
    std::shared_ptr<KnownMixtures> mixtures,
    std::string& reason) {
  if (!mixtures) {
    return nullptr;
  }
  const Plan& plan = context.plan();
  if (!plan.unheld().empty()) {
    reason = "the optimizer does not hold all that is shared";
    return nullptr;
  }
  const bool is_all = std::ranges::equal(
      mixtures->parameters(), plan.shared(), [](const auto& a, const auto& b) {
        return a.is_same(b);
      });
  if (!is_all) {
    reason = plan.has_gates()
        ? "gates or experts are single tasks' own"
        : "the experts' and gates' parameters are not all that is shared";
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
  steps_ = steps;
  head_weights_ = {};
  has_rows_ = false;
  choice_ = {Route::kLayers, "experts and gates have known layers only"};
  std::vector<int64_t> places;
  for (const HeadStep& step : steps) {
    places.push_back(step.task);
  }
  const auto& features = mixtures_->forward(*steps[0].input, places);
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
  for (size_t i = 0; heads_.has_shared_strays() && i < steps_.size(); ++i) {
    heads_.add_strays(
        i,
        mixtures_->parameters(),
        direction.view(-1),
        factors[static_cast<int64_t>(i)].item<double>());
  }
  publish_direction(direction.view(-1));
}

void MixtureGradients::add_strays(const torch::Tensor& rows) const {
  for (size_t i = 0; heads_.has_shared_strays() && i < steps_.size(); ++i) {
    heads_.add_strays(
        i, mixtures_->parameters(), rows.select(0, static_cast<int64_t>(i)), 1);
  }
}

void MixtureGradients::publish_direction(const torch::Tensor& direction) {
  torch::NoGradGuard no_grad;
  publish_strays();
  set_flat_gradient(mixtures_->parameters(), direction);
  const auto used = this->used();
  for (size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) {
      mixtures_->parameters()[i].mutable_grad().reset();
    }
  }
  heads_.clear();
}

void MixtureGradients::scale_heads(const TaskWeights& weights) {
  head_weights_ = weights;
  heads_.scale(weights);
}

std::vector<int64_t> MixtureGradients::block_sizes() const {
  return sizes_of(mixtures_->parameters());
}

} // namespace polytask::detail
