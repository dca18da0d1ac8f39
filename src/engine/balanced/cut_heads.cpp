// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "cut_heads.h"

#include <ATen/TensorOperators.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <utility>

#include "core/host_value.h"

#include "../autocast.h"
#include "leaves.h"
#include "vectors.h"

namespace polytask::detail {

CutHeads::CutHeads(const StepContext& context) : context_(context) {
  std::string ignored;
  known_ = FeatureHeads::make(context.model, context.plan(), ignored);
}

torch::Tensor CutHeads::forward(
    const HeadSteps& steps, const std::vector<Inputs>& features) {
  steps_ = steps;
  parts_.clear();
  has_strays_ = has_shared_strays_ = false;
  for (const HeadStep& step : steps) {
    parts_.push_back(
        {step.task,
         step.seed(),
         {},
         {},
         {},
         &context_.plan().own(step.task),
         {},
         {},
         {}});
  }
  features_ = features;
  by_products_ = takes_products();
  for (size_t i = 0; by_products_ && i < parts_.size(); ++i) {
    parts_[i].features = {features[i].tensor()};
  }
  return by_products_ ? forward_by_products() : forward_by_graph();
}

bool CutHeads::takes_products() const {
  return known_ && !is_autocast_on(at::kCPU) &&
      !known_->feature_obstacle(features_, steps_) && !known_->obstacle(steps_);
}

torch::Tensor CutHeads::forward_by_products() {
  torch::NoGradGuard no_grad;
  std::vector<double> by_task(static_cast<size_t>(context_.model->size()));
  known_->forward(features_, steps_, by_task);
  std::vector<double> losses;
  for (const HeadStep& step : steps_) {
    losses.push_back(by_task[static_cast<size_t>(step.task)]);
  }
  return host_vector(
      losses, features_[0].tensor().options().requires_grad(false));
}

torch::Tensor CutHeads::forward_by_graph() {
  torch::AutoGradMode grad_mode(true);
  std::vector<torch::Tensor> losses;
  for (size_t i = 0; i < steps_.size(); ++i) {
    Part& part = parts_[i];
    const Inputs leaves = features_[i].map([&](const torch::Tensor& feature) {
      torch::Tensor leaf = feature.detach();
      if (leaf.is_floating_point()) {
        leaf.requires_grad_();
      }
      part.features.push_back(feature);
      part.leaves.push_back(leaf);
      return leaf;
    });
    part.loss = context_.model->loss(part.task, leaves, *steps_[i].labels);
    losses.push_back(part.loss.detach());
    find_strays(part);
  }
  return torch::stack(losses);
}

void CutHeads::find_strays(Part& part) {
  for (const auto& leaf : leaves_of({part.loss})) {
    const bool is_feature = std::any_of(
        part.leaves.begin(), part.leaves.end(), [&](const auto& feature) {
          return feature.is_same(leaf);
        });
    if (!is_feature && !context_.plan().is_own(leaf, part.task)) {
      has_strays_ = true;
      has_shared_strays_ =
          has_shared_strays_ || context_.plan().is_shared(leaf);
      part.strays.push_back(leaf);
    }
  }
}

void CutHeads::differentiate_strays(Part& part) const {
  if (part.strays.empty()) {
    return;
  }
  part.stray_gradients = torch::autograd::grad(
      {part.loss},
      part.strays,
      {},
      /*retain_graph=*/true,
      /*create_graph=*/false,
      /*allow_unused=*/true);
  for (auto& gradient : part.stray_gradients) {
    if (gradient.defined() && part.weight != 1) {
      gradient = gradient * part.weight;
    }
  }
}

void CutHeads::add_strays(
    size_t i,
    const std::vector<torch::Tensor>& shared,
    torch::Tensor row,
    double factor,
    std::vector<bool>* used) const {
  const Part& part = parts_[i];
  if (!has_shared_strays_ || part.strays.empty()) {
    return;
  }
  int64_t offset = 0;
  for (size_t place = 0; place < shared.size(); ++place) {
    for (size_t s = 0; s < part.strays.size(); ++s) {
      if (part.strays[s].is_same(shared[place]) &&
          part.stray_gradients[s].defined()) {
        row.narrow(0, offset, shared[place].numel())
            .add_(part.stray_gradients[s].reshape(-1), factor);
        if (used != nullptr) {
          (*used)[place] = true;
        }
      }
    }
    offset += shared[place].numel();
  }
}

void CutHeads::publish_strays(const TaskWeights& weights) {
  for (size_t i = 0; has_strays_ && i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    for (size_t s = 0; s < part.strays.size(); ++s) {
      const torch::Tensor& gradient = part.stray_gradients[s];
      if (gradient.defined() && !context_.plan().is_shared(part.strays[s])) {
        accumulate_gradient(
            part.strays[s],
            weights.empty() ? gradient : weights.times(gradient, i));
      }
    }
  }
}

void CutHeads::backward() {
  if (by_products_) {
    backward_by_products();
  } else {
    backward_by_graph();
  }
}

void CutHeads::backward_by_products() {
  torch::NoGradGuard no_grad;
  known_->backward_apart(features_, steps_);
  known_->publish(steps_);
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (features_[i].requires_grad()) {
      parts_[i].cotangents = {known_->cotangent(i)};
    }
  }
}

void CutHeads::backward_by_graph() {
  torch::Tensor total;
  std::vector<torch::Tensor> inputs;
  for (Part& part : parts_) {
    differentiate_strays(part);
    const torch::Tensor term =
        part.weight == 1 ? part.loss : part.loss * part.weight;
    total = total.defined() ? total + term : term;
    inputs.insert(inputs.end(), part.own->begin(), part.own->end());
    for (const torch::Tensor& leaf : part.leaves) {
      if (leaf.requires_grad()) {
        inputs.push_back(leaf);
      }
    }
  }
  if (inputs.empty() || !total.requires_grad()) {
    // Losses that nothing can lower.
    for (Part& part : parts_) {
      part.cotangents.resize(part.leaves.size());
      for (size_t i = 0; i < part.leaves.size(); ++i) {
        if (part.leaves[i].requires_grad()) {
          part.cotangents[i] = torch::zeros_like(part.leaves[i]);
        }
      }
    }
    return;
  }
  auto gradients = torch::autograd::grad(
      {total},
      inputs,
      {},
      /*retain_graph=*/false,
      /*create_graph=*/false,
      /*allow_unused=*/true);
  auto gradient = gradients.begin();
  for (Part& part : parts_) {
    for (const torch::Tensor& parameter : *part.own) {
      set_own_gradient(parameter, *gradient++);
    }
    part.cotangents.resize(part.leaves.size());
    for (size_t i = 0; i < part.leaves.size(); ++i) {
      if (part.leaves[i].requires_grad()) {
        part.cotangents[i] = gradient->defined()
            ? std::move(*gradient)
            : torch::zeros_like(part.leaves[i]);
        ++gradient;
      }
    }
  }
}

std::vector<torch::Tensor> CutHeads::cotangents_apart() const {
  std::vector<torch::Tensor> all;
  for (size_t i = 0; i < parts_.size(); ++i) {
    all.push_back(
        by_products_ ? known_->cotangent(i)
                     : parts_[i].cotangents[0].contiguous());
  }
  return all;
}

torch::Tensor CutHeads::cotangents() const {
  if (by_products_) {
    return known_->cotangents();
  }
  std::vector<torch::Tensor> all;
  for (const Part& part : parts_) {
    all.push_back(part.cotangents[0]);
  }
  return torch::stack(all);
}

void CutHeads::scale(const TaskWeights& weights) {
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (by_products_) {
      known_->scale(parts_[i].task, weights.host()[i]);
      continue;
    }
    for (const auto& parameter : *parts_[i].own) {
      if (parameter.grad().defined()) {
        weights.scale(parameter.mutable_grad(), i);
      }
    }
  }
}

} // namespace polytask::detail
