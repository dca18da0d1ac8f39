// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "leaves.h"

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>

#include <unordered_set>

#include "core/tensor_sets.h"

#include "../gradient_sum.h"
#include "vectors.h"

namespace polytask::detail {

std::vector<torch::Tensor> leaves_of(const std::vector<torch::Tensor>& roots) {
  using torch::autograd::Node;
  std::vector<torch::Tensor> leaves;
  TensorSet found;
  const auto add = [&](const torch::Tensor& leaf) {
    if (found.add(leaf)) {
      leaves.push_back(leaf);
    }
  };
  std::vector<Node*> open;
  std::unordered_set<const Node*> seen;
  const auto visit = [&](Node* node) {
    if (node != nullptr && seen.insert(node).second) {
      open.push_back(node);
    }
  };
  for (const auto& root : roots) {
    if (!root.defined() || !root.requires_grad()) {
      continue;
    }
    if (root.is_leaf()) {
      add(root);
    } else {
      visit(root.grad_fn().get());
    }
  }
  while (!open.empty()) {
    Node* const node = open.back();
    open.pop_back();
    if (auto* end = dynamic_cast<torch::autograd::AccumulateGrad*>(node)) {
      add(end->variable);
      continue;
    }
    for (const auto& edge : node->next_edges()) {
      visit(edge.function.get());
    }
  }
  return leaves;
}

void accumulate_gradient(
    const torch::Tensor& leaf, const torch::Tensor& gradient) {
  const torch::NoGradGuard no_grad;
  if (!gradient.defined()) {
    return;
  }
  torch::Tensor& now = leaf.mutable_grad();
  if (now.defined()) {
    now = gradient_sum(now, gradient);
  } else if (gradient.layout() == at::kStrided) {
    set_own_gradient(leaf, gradient);
  } else {
    now = gradient;
  }
}

} // namespace polytask::detail
