// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "known_heads.h"

#include <utility>

#include "../kernels/rectify.h"
#include "../layers/products.h"
#include "feature_obstacle.h"

namespace polytask::detail {

std::unique_ptr<KnownHeads> KnownHeads::make(
    const MultiTaskModel& model, const Plan& plan, std::string& reason) {
  if (plan.has_tied_modules()) {
    reason = "modules share a parameter";
    return nullptr;
  }
  std::unique_ptr<KnownHeads> heads(new KnownHeads);
  std::vector<OutputLayer> linear;
  for (int64_t task = 0; task < model->size(); ++task) {
    if (auto layer = LinearLayer::of(model->task(task).head().module())) {
      linear.push_back({task, *std::move(layer)});
      continue;
    }
    auto deep = DeepHead::make(model, task, reason);
    if (!deep) {
      return nullptr;
    }
    heads->deep_.resize(static_cast<size_t>(model->size()));
    heads->deep_[static_cast<size_t>(task)] = std::move(deep);
  }
  if (linear.empty()) {
    return heads;
  }
  heads->linear_ = LinearHeads::make(model, std::move(linear), reason);
  return heads->linear_ ? std::move(heads) : nullptr;
}

const LinearLayer& KnownHeads::layer(int64_t task) const {
  const DeepHead* own = deep(task);
  return own != nullptr ? own->output_layer() : linear_->layer(task);
}

bool KnownHeads::is_trained(int64_t task) const {
  const DeepHead* own = deep(task);
  return own != nullptr ? own->is_trained()
                        : layer(task).is_trained() && linear_->learns(task);
}

c10::ArrayRef<HeadStep> KnownHeads::linear_steps(
    c10::ArrayRef<HeadStep> steps) {
  if (deep_.empty()) {
    return steps;
  }
  linear_steps_.clear();
  for (const HeadStep& step : steps) {
    if (deep(step.task) == nullptr) {
      linear_steps_.push_back(step);
    }
  }
  return linear_steps_;
}

Obstacle KnownHeads::obstacle(
    int64_t rows, c10::ArrayRef<HeadStep> steps) const {
  const auto kind = type(steps.front().task);
  if (deep_.empty()) {
    return linear_->obstacle(kind, rows, steps);
  }
  for (const HeadStep& step : steps) {
    const DeepHead* own = deep(step.task);
    if (auto found = own != nullptr ? own->obstacle(kind, rows, step)
                                    : linear_->obstacle(kind, rows, step)) {
      return found;
    }
  }
  return {};
}

Obstacle KnownHeads::feature_obstacle(
    const at::Tensor& features, c10::ArrayRef<HeadStep> steps) const {
  const HeadStep& first = steps.front();
  if (auto found =
          detail::feature_obstacle(features, first, type(first.task))) {
    return found;
  }
  if (linear_ && features.size(1) != linear_->width()) {
    return {"the features are of another width", /*is_error=*/true};
  }
  return {};
}

ChainsAtOnce KnownHeads::deep_chains(
    const at::Tensor& features, c10::ArrayRef<HeadStep> steps) {
  deep_steps_.clear();
  ChainsAtOnce chains;
  for (const HeadStep& step : steps) {
    if (DeepHead* own = deep(step.task)) {
      deep_steps_.push_back({own, &step});
      chains.add(own->before(), features);
    }
  }
  return chains;
}

void KnownHeads::backward_deep(
    const at::Tensor& features,
    c10::ArrayRef<HeadStep> steps,
    bool needs_cotangents) {
  const auto chains = deep_chains(features, steps);
  deep_cotangents_.resize(deep_steps_.size());
  chains.run([&](size_t i) {
    const auto& [head, step] = deep_steps_[i];
    deep_cotangents_[i] = head->backward(*step, needs_cotangents);
  });
}

void KnownHeads::forward(
    const at::Tensor& features,
    c10::ArrayRef<HeadStep> steps,
    bool needs_cotangent,
    std::vector<double>& losses) {
  const auto linear = linear_steps(steps);
  if (!linear.empty()) {
    linear_->forward(features, linear, needs_cotangent, losses);
  }
  if (linear.size() == steps.size()) {
    return;
  }
  const auto chains = deep_chains(features, steps);
  chains.run(
      [&](size_t i) { deep_steps_[i].head->hide(features); },
      [&](size_t i) {
        deep_steps_[i].head->forward(*deep_steps_[i].step, losses);
      });
}

void KnownHeads::backward(
    const at::Tensor& features,
    c10::ArrayRef<HeadStep> steps,
    const at::Tensor& cotangent) {
  const auto linear = linear_steps(steps);
  const bool needs_cotangent = cotangent.defined();
  if (!linear.empty()) {
    linear_->backward(features, linear, cotangent);
  } else if (needs_cotangent) {
    cotangent.zero_();
  }
  if (linear.size() == steps.size()) {
    return;
  }
  backward_deep(features, steps, needs_cotangent);
  if (!needs_cotangent) {
    return;
  }
  as_real(cotangent.scalar_type(), [&](auto zero) {
    using Scalar = decltype(zero);
    for (const at::Tensor& part : deep_cotangents_) {
      add(cotangent.data_ptr<Scalar>(),
          part.const_data_ptr<Scalar>(),
          part.numel());
    }
  });
}

void KnownHeads::backward_apart(
    const at::Tensor& features,
    c10::ArrayRef<HeadStep> steps,
    const at::Tensor& cotangents) {
  const auto linear = linear_steps(steps);
  if (!linear.empty()) {
    linear_->backward(features, linear, {});
  }
  if (linear.size() == steps.size()) {
    linear_->cotangents(steps, cotangents);
    return;
  }
  if (!linear.empty()) {
    reserve(
        linear_cotangents_,
        {static_cast<int64_t>(linear.size()),
         features.size(0),
         features.size(1)},
        features.options());
    linear_->cotangents(linear, linear_cotangents_);
  }
  backward_deep(features, steps, /*needs_cotangents=*/true);
  int64_t place = 0;
  auto of_deep = deep_cotangents_.begin();
  for (size_t i = 0; i < steps.size(); ++i) {
    cotangents.select(0, static_cast<int64_t>(i))
        .copy_(
            deep(steps[i].task) != nullptr
                ? *of_deep++
                : linear_cotangents_.select(0, place++));
  }
}

void KnownHeads::scale(int64_t task, double factor) {
  if (DeepHead* own = deep(task)) {
    own->scale(factor);
  } else {
    linear_->scale(task, factor);
  }
}

void KnownHeads::publish(c10::ArrayRef<HeadStep> steps) {
  if (linear_) {
    linear_->publish(linear_steps(steps));
  }
  const HeadStep* step = steps.begin();
  for (size_t t = 0; t < deep_.size(); ++t) {
    const bool takes_part =
        step != steps.end() && step->task == static_cast<int64_t>(t);
    if (deep_[t]) {
      deep_[t]->publish(takes_part ? step : nullptr);
    }
    step += takes_part ? 1 : 0;
  }
}

} // namespace polytask::detail
