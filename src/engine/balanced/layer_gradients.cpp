// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "layer_gradients.h"

#include <ATen/TensorOperators.h>

#include <algorithm>

#include "core/host_value.h"

#include "../layers/products.h"
#include "vectors.h"

namespace polytask::detail {

namespace {

// Elements of one layer's cotangents, of all tasks that go through together.
constexpr int64_t kGroupElements = 1 << 16;

} // namespace

std::unique_ptr<LayerGradients> LayerGradients::make(
    StepContext& context, const KnownTrunk& trunk, std::string& reason) {
  if (!trunk.chain) {
    reason = trunk.why_not;
    return nullptr;
  }
  const auto why_not = why_not_all(trunk.chain->parameters(), context.plan());
  if (!why_not.empty()) {
    reason = why_not;
    return nullptr;
  }
  return std::unique_ptr<LayerGradients>(new LayerGradients(context, trunk));
}

Obstacle LayerGradients::obstacle(
    const HeadSteps& steps, bool share_input) const {
  if (!share_input && steps.size() > 1) {
    return {"the tasks have inputs of their own"};
  }
  return trunk_.obstacle(*steps[0].input, context_.plan().parameters().front());
}

torch::Tensor LayerGradients::forward(
    const HeadSteps& steps, bool /*share_input*/) {
  torch::NoGradGuard no_grad;
  begin(steps);
  const torch::Tensor features = trunk_.forward(*steps[0].input);
  return heads_.forward(steps, std::vector<Inputs>(steps.size(), features));
}

void LayerGradients::backward_heads() {
  heads_.backward();
  torch::NoGradGuard no_grad;
  const torch::Tensor cotangents = heads_.cotangents();
  if (context_.options.route() == Route::kFeatureGradients) {
    GramianSum sum(tasks());
    sum.add_rows(cotangents.flatten(1));
    feature_gramian_ = sum.value();
  }
  cotangents_ = chain_->descend(cotangents.flatten(0, 1), tasks());
}

void LayerGradients::write_rows(const torch::Tensor& rows) {
  const int64_t batch = cotangents_.size(0) / tasks();
  // A device has no cache to stay in, and many kernels to start.
  const int64_t fitting = cotangents_.device().is_cpu()
      ? kGroupElements * tasks() / std::max<int64_t>(1, cotangents_.numel())
      : tasks();
  const int64_t group = std::clamp<int64_t>(fitting, 1, tasks());
  for (int64_t begin = 0; begin < tasks(); begin += group) {
    const int64_t size = std::min(group, tasks() - begin);
    chain_->write_rows(
        cotangents_.narrow(0, begin * batch, size * batch),
        size,
        chain_->parts(rows.narrow(0, begin, size)));
  }
}

void LayerGradients::choose(GradientJob::Needs needs) {
  GradientJob job;
  job.needs = needs;
  job.tasks = tasks();
  job.rows = cotangents_.size(0) / tasks();
  job.parameters = chain_->elements();
  job.element_size = static_cast<int64_t>(cotangents_.element_size());
  job.layers = chain_->costs(tasks());
  job.has_shared_strays = heads_.has_shared_strays();
  choice_ = choose_route(context_.options.route(), job);
}

torch::Tensor LayerGradients::rows() {
  // The user may keep a direction, but nobody keeps the rows.
  reserve(rows_, {tasks(), chain_->elements()}, cotangents_.options());
  write_rows(rows_);
  add_strays(rows_);
  has_rows_ = true;
  return rows_;
}

torch::Tensor LayerGradients::jacobian() {
  choose(GradientJob::Needs::kJacobian);
  return rows();
}

math::Matrix LayerGradients::gramian() {
  torch::NoGradGuard no_grad;
  choose(GradientJob::Needs::kGramian);
  if (choice_.route == Route::kFeatureGradients) {
    return feature_gramian_;
  }
  GramianSum sum(tasks());
  if (choice_.route == Route::kLayerJacobian) {
    sum.add_rows(rows());
  } else {
    chain_->add_to_gramian(cotangents_, tasks(), sum);
  }
  return sum.value();
}

void LayerGradients::publish_weighted(const TaskWeights& weights) {
  torch::NoGradGuard no_grad;
  if (choice_.reason.empty()) {
    choose(GradientJob::Needs::kSum);
  }
  const torch::Tensor factors = weights.as(cotangents_.options());
  if (has_rows_) {
    publish_direction(torch::mv(rows_.t(), factors));
    return;
  }
  if (!chain_->learns()) {
    publish_direction(torch::empty({0}, cotangents_.options()));
    return;
  }
  const torch::Tensor direction =
      torch::empty({1, chain_->elements()}, cotangents_.options());
  auto shape = cotangents_.sizes().vec();
  shape[0] /= tasks();
  const torch::Tensor combined =
      torch::mv(cotangents_.reshape({tasks(), -1}).t(), factors).view(shape);
  chain_->write_rows(combined, 1, chain_->parts(direction));
  add_strays(direction.view(-1), factors);
  publish_direction(direction.view(-1));
}

} // namespace polytask::detail
