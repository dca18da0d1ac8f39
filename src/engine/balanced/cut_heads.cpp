// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "cut_heads.h"

#include <ATen/TensorOperators.h>
#include <torch/csrc/autograd/autograd.h>

#include <utility>

#include "model/parameters.h"

#include "vectors.h"

namespace polytask::detail {

torch::Tensor CutHeads::forward(
    const StepContext& context,
    const HeadSteps& steps,
    const std::vector<Inputs>& features) {
  torch::AutoGradMode grad_mode(true);
  parts_.clear();
  has_tied_ = false;
  std::vector<torch::Tensor> losses;
  for (size_t i = 0; i < steps.size(); ++i) {
    const auto& [task, input, labels, weight, inputs] = steps[i];
    const Plan& plan = context.plan();
    Part part{task, weight, {}, {}, {}, &plan.own(task), {}};
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
    has_tied_ = has_tied_ || !plan.tied(task).empty();
    parts_.push_back(std::move(part));
  }
  return torch::stack(losses);
}

void CutHeads::backward() {
  torch::Tensor total;
  std::vector<torch::Tensor> inputs;
  for (const Part& part : parts_) {
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
    return;
  }
  auto gradients = torch::autograd::grad(
      {total},
      inputs,
      {},
      /*retain_graph=*/has_tied_,
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
