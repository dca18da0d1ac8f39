// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "cut_heads.h"

#include <ATen/TensorOperators.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <utility>

#include "leaves.h"
#include "vectors.h"

namespace polytask::detail {

torch::Tensor CutHeads::forward(
    const StepContext& context,
    const HeadSteps& steps,
    const std::vector<Inputs>& features) {
  torch::AutoGradMode grad_mode(true);
  parts_.clear();
  plan_ = &context.plan();
  has_strays_ = has_shared_strays_ = false;
  std::vector<torch::Tensor> losses;
  for (size_t i = 0; i < steps.size(); ++i) {
    const auto& [task, input, labels, weight, inputs] = steps[i];
    Part part{task, weight, {}, {}, {}, &plan_->own(task), {}, {}, {}};
    const Inputs leaves = features[i].map([&](const torch::Tensor& feature) {
      torch::Tensor leaf = feature.detach();
      if (leaf.is_floating_point()) {
        leaf.requires_grad_();
      }
      part.features.push_back(feature);
      part.leaves.push_back(leaf);
      return leaf;
    });
    part.loss = context.model->loss(task, leaves, *labels);
    losses.push_back(part.loss.detach());
    find_strays(part);
    parts_.push_back(std::move(part));
  }
  return torch::stack(losses);
}

void CutHeads::find_strays(Part& part) {
  for (const auto& leaf : leaves_of({part.loss})) {
    const bool is_feature = std::any_of(
        part.leaves.begin(), part.leaves.end(), [&](const auto& feature) {
          return feature.is_same(leaf);
        });
    if (!is_feature && !plan_->is_own(leaf, part.task)) {
      has_strays_ = true;
      has_shared_strays_ = has_shared_strays_ || plan_->is_shared(leaf);
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
      if (gradient.defined() && !plan_->is_shared(part.strays[s])) {
        accumulate_gradient(
            part.strays[s],
            weights.empty() ? gradient : weights.times(gradient, i));
      }
    }
  }
}

void CutHeads::backward() {
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

torch::Tensor CutHeads::cotangents() const {
  std::vector<torch::Tensor> all;
  for (const Part& part : parts_) {
    all.push_back(part.cotangents[0]);
  }
  return torch::stack(all);
}

void CutHeads::scale(const TaskWeights& weights) {
  for (size_t i = 0; i < parts_.size(); ++i) {
    for (const auto& parameter : *parts_[i].own) {
      if (parameter.grad().defined()) {
        weights.scale(parameter.mutable_grad(), i);
      }
    }
  }
}

} // namespace polytask::detail
