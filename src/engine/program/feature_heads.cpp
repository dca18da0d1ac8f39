// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "feature_heads.h"

#include <algorithm>
#include <utility>

#include "../layers/chains_at_once.h"
#include "../layers/products.h"
#include "feature_obstacle.h"

namespace polytask::detail {

std::unique_ptr<FeatureHeads> FeatureHeads::make(
    const MultiTaskModel& model, const Plan& plan, std::string& reason) {
  if (plan.has_tied_modules()) {
    reason = "modules share a parameter";
    return nullptr;
  }
  std::unique_ptr<FeatureHeads> heads(new FeatureHeads);
  for (int64_t task = 0; task < model->size(); ++task) {
    auto head = DeepHead::make(model, task, reason);
    if (!head) {
      return nullptr;
    }
    heads->alone_.push_back(std::move(head));
  }
  std::string ignored;
  heads->together_ = KnownHeads::make(model, plan, ignored);
  return heads;
}

Obstacle FeatureHeads::obstacle(const HeadSteps& steps) const {
  const auto kind = type(steps.front().task);
  for (const HeadStep& step : steps) {
    if (auto found =
            alone(step.task).obstacle(kind, step.inputs->rows(), step)) {
      return found;
    }
  }
  return {};
}

bool FeatureHeads::are_together(const std::vector<Inputs>& features) const {
  return together_ &&
      std::all_of(features.begin(), features.end(), [&](const Inputs& own) {
           return own.tensor().is_same(features[0].tensor());
         });
}

Obstacle FeatureHeads::feature_obstacle(
    const std::vector<Inputs>& features, const HeadSteps& steps) const {
  for (size_t i = 0; i < steps.size(); ++i) {
    if (!features[i].is_tensor()) {
      return {"the features are several tensors"};
    }
    if (auto found = detail::feature_obstacle(
            features[i].tensor(), steps[i], type(steps[i].task))) {
      return found;
    }
    if (features[i].tensor().dtype() != features[0].tensor().dtype()) {
      return {"the features are of several dtypes"};
    }
  }
  return are_together(features)
      ? together_->feature_obstacle(features[0].tensor(), steps)
      : Obstacle{};
}

void FeatureHeads::forward(
    const std::vector<Inputs>& features,
    const HeadSteps& steps,
    std::vector<double>& losses) {
  is_together_ = are_together(features);
  plain_.clear();
  if (is_together_) {
    plain_.push_back(features[0].tensor().detach().contiguous());
    together_->forward(plain_[0], steps, /*needs_cotangent=*/true, losses);
    return;
  }
  ChainsAtOnce chains;
  for (size_t i = 0; i < steps.size(); ++i) {
    plain_.push_back(features[i].tensor().detach().contiguous());
    chains.add(alone(steps[i].task).before(), plain_[i]);
  }
  chains.run(
      [&](size_t i) { alone(steps[i].task).hide(plain_[i]); },
      [&](size_t i) { alone(steps[i].task).forward(steps[i], losses); });
}

template <typename Needs>
void FeatureHeads::backward_alone(const HeadSteps& steps, const Needs& needs) {
  cotangents_.resize(steps.size());
  ChainsAtOnce chains;
  for (size_t i = 0; i < steps.size(); ++i) {
    chains.add(alone(steps[i].task).before(), plain_[i]);
  }
  chains.run([&](size_t i) {
    cotangents_[i] = alone(steps[i].task).backward(steps[i], needs(i));
  });
}

FeatureHeads::Cotangents FeatureHeads::backward(
    const std::vector<Inputs>& features, const HeadSteps& steps) {
  Cotangents found;
  if (is_together_) {
    const at::Tensor& feature = features[0].tensor();
    at::Tensor sum;
    if (feature.requires_grad()) {
      sum = torch::empty_like(plain_[0]);
      found = {{feature}, {sum}};
    }
    together_->backward(plain_[0], steps, sum);
    return found;
  }
  backward_alone(steps, [&](size_t i) { return features[i].requires_grad(); });
  for (size_t i = 0; i < steps.size(); ++i) {
    if (features[i].requires_grad()) {
      found.outputs.push_back(features[i].tensor());
      found.values.push_back(cotangents_[i].clone());
    }
  }
  return found;
}

void FeatureHeads::backward_apart(
    const std::vector<Inputs>& features, const HeadSteps& steps) {
  if (!is_together_) {
    backward_alone(steps, [](size_t) { return true; });
    for (size_t i = 0; i < steps.size(); ++i) {
      if (features[i].requires_grad()) {
        cotangents_[i] = cotangents_[i].clone(); // a hook may keep it
      }
    }
    return;
  }
  if (features[0].requires_grad()) {
    all_cotangents_.reset(); // a hook in the graph may have kept them
  }
  const at::Tensor& plain = plain_[0];
  reserve(
      all_cotangents_,
      {static_cast<int64_t>(steps.size()), plain.size(0), plain.size(1)},
      plain.options());
  together_->backward_apart(plain, steps, all_cotangents_);
}

void FeatureHeads::scale(int64_t task, double factor) {
  if (is_together_) {
    together_->scale(task, factor);
  } else {
    alone(task).scale(factor);
  }
}

void FeatureHeads::publish(const HeadSteps& steps) {
  if (is_together_) {
    together_->publish(steps);
    return;
  }
  const HeadStep* step = steps.data();
  const HeadStep* const end = step + steps.size();
  for (size_t t = 0; t < alone_.size(); ++t) {
    const bool takes_part =
        step != end && step->task == static_cast<int64_t>(t);
    alone_[t]->publish(takes_part ? step : nullptr);
    step += takes_part ? 1 : 0;
  }
}

} // namespace polytask::detail
