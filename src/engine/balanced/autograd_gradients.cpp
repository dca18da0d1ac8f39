// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "autograd_gradients.h"

#include <ATen/TensorOperators.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/host_value.h"
#include "core/tensor_sets.h"

#include "../features.h"
#include "batched_backward.h"
#include "gramian_sum.h"
#include "leaves.h"
#include "vectors.h"

namespace polytask::detail {

torch::Tensor AutogradGradients::forward(
    const HeadSteps& steps, bool share_input) {
  torch::AutoGradMode grad_mode(true);
  rows_.reset();
  choice_ = {};
  shared_ = context_.plan().shared();
  count_ = count_elements(shared_);
  is_used_.assign(shared_.size(), false);
  head_weights_ = {};
  const auto features = features_of(context_, steps, share_input);
  context_.own_loss->differentiate(context_.loss_scale());
  torch::Tensor losses = heads_.forward(steps, features);
  find_strays();
  return losses;
}

void AutogradGradients::backward_heads() {
  heads_.backward();
}

// Leaves below the features that are neither shared nor a gate, such as an
// input that requires a gradient.
void AutogradGradients::find_strays() {
  strays_.clear();
  std::vector<torch::Tensor> features;
  for (const Part& part : heads_.parts()) {
    for (const auto& feature : part.features) {
      if (features.empty() || !features.back().is_same(feature)) {
        features.push_back(feature);
      }
    }
  }
  const Plan& plan = context_.plan();
  for (const auto& leaf : leaves_of(features)) {
    if (!plan.is_shared(leaf) && !plan.is_gate(leaf)) {
      strays_.push_back(leaf);
    }
  }
}

// As what single tasks have, by their weights or by none.
void AutogradGradients::publish_strays() {
  if (!strays_.empty()) {
    const Combined sum = combined(head_weights_);
    const auto gradients = torch::autograd::grad(
        sum.outputs,
        strays_,
        sum.cotangents,
        /*retain_graph=*/true,
        /*create_graph=*/false,
        /*allow_unused=*/true);
    for (size_t i = 0; i < strays_.size(); ++i) {
      accumulate_gradient(strays_[i], gradients[i]);
    }
  }
  heads_.publish_strays(head_weights_);
}

// Features, each once, with the sum of their cotangents.
AutogradGradients::Combined AutogradGradients::combined(
    const TaskWeights& weights) const {
  Combined sum;
  for (size_t i = 0; i < heads_.parts().size(); ++i) {
    const Part& part = heads_.parts()[i];
    for (size_t f = 0; f < part.features.size(); ++f) {
      const torch::Tensor& feature = part.features[f];
      if (!feature.requires_grad()) {
        continue;
      }
      const torch::Tensor scaled = weights.empty()
          ? part.cotangents[f].clone()
          : weights.times(part.cotangents[f], i);
      if (!sum.outputs.empty() && sum.outputs.back().is_same(feature)) {
        sum.cotangents.back().add_(scaled);
      } else {
        sum.outputs.push_back(feature);
        sum.cotangents.push_back(scaled);
      }
    }
  }
  return sum;
}

// A parameter that no task uses has no gradient, not one of zeros: optimizers
// tell them apart.
void AutogradGradients::note_used(const std::vector<torch::Tensor>& gradients) {
  for (size_t i = 0; i < shared_.size(); ++i) {
    is_used_[i] = is_used_[i] || gradients[i].defined();
  }
}

torch::Tensor AutogradGradients::loop() {
  const auto& parts = heads_.parts();
  torch::Tensor rows = torch::zeros(
      {static_cast<int64_t>(parts.size()), count_},
      shared_.empty() ? context_.tensor_options() : options_of(shared_));
  for (size_t i = 0; i < parts.size(); ++i) {
    const Part& part = parts[i];
    torch::Tensor row = rows.select(0, static_cast<int64_t>(i));
    auto inputs = shared_;
    const auto& gates = context_.plan().gates(part.task);
    inputs.insert(inputs.end(), gates.begin(), gates.end());
    std::vector<torch::Tensor> outputs;
    std::vector<torch::Tensor> cotangents;
    for (size_t f = 0; f < part.features.size(); ++f) {
      if (part.features[f].requires_grad()) {
        outputs.push_back(part.features[f]);
        cotangents.push_back(part.cotangents[f]);
      }
    }
    if (!outputs.empty() && !inputs.empty()) {
      auto gradients =
          torch::autograd::grad(outputs, inputs, cotangents, true, false, true);
      write_flat(gradients, shared_, row);
      note_used(gradients);
      for (size_t g = 0; g < gates.size(); ++g) {
        set_own_gradient(gates[g], gradients[shared_.size() + g]);
      }
    }
    heads_.add_strays(i, shared_, row, 1, &is_used_);
  }
  return rows;
}

torch::Tensor AutogradGradients::batched() {
  const torch::Tensor cotangents = heads_.cotangents();
  const auto gradients =
      batched_gradients(heads_.parts()[0].features[0], cotangents, shared_);
  note_used(gradients);
  std::vector<torch::Tensor> blocks;
  for (size_t i = 0; i < shared_.size(); ++i) {
    blocks.push_back(
        gradients[i].defined() ? gradients[i].reshape({cotangents.size(0), -1})
                               : torch::zeros(
                                     {cotangents.size(0), shared_[i].numel()},
                                     cotangents.options()));
  }
  return torch::cat(blocks, 1);
}

math::Matrix AutogradGradients::streamed() {
  const torch::Tensor cotangents = heads_.cotangents();
  const int64_t tasks = cotangents.size(0);
  GramianSum sum(tasks);
  stream_gradients(
      heads_.parts()[0].features[0],
      cotangents,
      shared_,
      [&](size_t, const torch::Tensor& gradient) {
        sum.add_rows(gradient.reshape({tasks, -1}));
      });
  return sum.value();
}

// Why what the tasks share is not all behind one feature tensor.
std::string AutogradGradients::apart() const {
  const auto& parts = heads_.parts();
  const bool is_one = !shared_.empty() && !context_.plan().has_gates() &&
      !heads_.has_shared_strays() && parts.size() > 1 &&
      parts[0].features[0].requires_grad() &&
      std::all_of(parts.begin(), parts.end(), [&](const Part& part) {
        return part.features.size() == 1 &&
            part.features[0].is_same(parts[0].features[0]);
      });
  return is_one ? "" : "the tasks do not share one feature tensor";
}

void AutogradGradients::choose(GradientJob::Needs needs) {
  const auto& parts = heads_.parts();
  GradientJob job;
  job.needs = needs;
  job.tasks = static_cast<int64_t>(parts.size());
  job.rows = parts[0].features[0].size(0);
  job.parameters = count_;
  job.has_gates = context_.plan().has_gates();
  job.element_size =
      shared_.empty() ? 0 : static_cast<int64_t>(shared_[0].element_size());
  job.why_graph = why_graph_;
  job.apart = apart();
  job.has_shared_strays = heads_.has_shared_strays();
  job.has_strays = !strays_.empty();
  job.refuses_batches = refuses_batches_;
  choice_ = choose_route(context_.options.route(), job);
}

// By the route that was chosen; where the backward refuses it, by another.
template <typename Compute>
auto AutogradGradients::by_choice(
    GradientJob::Needs needs, const Compute& compute) {
  choose(needs);
  try {
    return compute();
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const c10::Error&) {
    const bool was_chosen = context_.options.route() == Route::kAuto &&
        choice_.route != Route::kAutograd;
    if (!was_chosen) {
      throw;
    }
  }
  refuses_batches_ = true;
  choose(needs);
  return compute();
}

torch::Tensor AutogradGradients::rows() {
  return choice_.route == Route::kBatchedJacobian ? batched() : loop();
}

torch::Tensor AutogradGradients::jacobian() {
  if (!rows_.defined()) {
    rows_ = by_choice(GradientJob::Needs::kJacobian, [this] { return rows(); });
  }
  return rows_;
}

math::Matrix AutogradGradients::gramian() {
  return by_choice(GradientJob::Needs::kGramian, [this] {
    if (choice_.route == Route::kStreamedGramian) {
      return streamed();
    }
    GramianSum sum(static_cast<int64_t>(heads_.parts().size()));
    if (choice_.route == Route::kFeatureGradients) {
      sum.add_rows(heads_.cotangents().flatten(1));
    } else {
      rows_ = rows();
      sum.add_rows(rows_);
    }
    return sum.value();
  });
}

// Whether what gates get from the weighted sum can be told from it: each gets
// its own task's gradient alone, times that task's weight.
bool AutogradGradients::divides_gates(const TaskWeights& weights) const {
  if (!head_weights_.empty() || !context_.plan().has_gates()) {
    return true; // the weights are theirs, too
  }
  // Or the quotient would not be what it was.
  constexpr double kSmallest = 1e-6;
  constexpr double kLargest = 1e6;
  return !weights.is_on_device() &&
      std::ranges::all_of(weights.host(), [](double weight) {
        return std::abs(weight) >= kSmallest && std::abs(weight) <= kLargest;
      });
}

void AutogradGradients::publish_gates(
    const std::vector<torch::Tensor>& gradients, const TaskWeights& weights) {
  auto gradient = gradients.begin() + static_cast<int64_t>(shared_.size());
  for (size_t i = 0; i < heads_.parts().size(); ++i) {
    for (const auto& gate : context_.plan().gates(heads_.parts()[i].task)) {
      set_own_gradient(gate, *gradient);
      if (gradient->defined() && head_weights_.empty() &&
          weights.host()[i] != 1) {
        gate.mutable_grad().div_(weights.host()[i]);
      }
      ++gradient;
    }
  }
}

void AutogradGradients::publish_weighted(const TaskWeights& weights) {
  if (choice_.reason.empty()) {
    choose(GradientJob::Needs::kSum);
  }
  const bool needs_rows = heads_.has_shared_strays() || !divides_gates(weights);
  if (needs_rows && !rows_.defined()) {
    jacobian();
    scale_gates();
  }
  if (rows_.defined()) {
    publish_direction(torch::mv(rows_.t(), weights.as(rows_.options())));
    return;
  }
  publish_strays();
  const Combined sum = combined(weights);
  auto inputs = shared_;
  for (const Part& part : heads_.parts()) {
    const auto& gates = context_.plan().gates(part.task);
    inputs.insert(inputs.end(), gates.begin(), gates.end());
  }
  if (!sum.outputs.empty() && !inputs.empty()) {
    auto gradients = torch::autograd::grad(
        sum.outputs,
        inputs,
        sum.cotangents,
        /*retain_graph=*/false,
        /*create_graph=*/false,
        /*allow_unused=*/true);
    for (size_t i = 0; i < shared_.size(); ++i) {
      set_own_gradient(shared_[i], gradients[i]);
    }
    publish_gates(gradients, weights);
  }
  heads_.clear();
}

void AutogradGradients::publish_direction(const torch::Tensor& direction) {
  publish_strays();
  set_flat_gradient(shared_, direction);
  for (size_t i = 0; i < shared_.size(); ++i) {
    if (!is_used_[i]) {
      shared_[i].mutable_grad().reset();
    }
  }
  heads_.clear();
  rows_.reset();
}

void AutogradGradients::scale_heads(const TaskWeights& weights) {
  head_weights_ = weights;
  heads_.scale(weights);
  if (rows_.defined()) {
    scale_gates();
  }
}

// Of which there are gradients of the tasks' own, not those of the sum.
void AutogradGradients::scale_gates() {
  if (head_weights_.empty()) {
    return;
  }
  for (size_t i = 0; i < heads_.parts().size(); ++i) {
    for (const auto& parameter :
         context_.plan().gates(heads_.parts()[i].task)) {
      if (parameter.grad().defined()) {
        head_weights_.scale(parameter.mutable_grad(), i);
      }
    }
  }
}

std::vector<int64_t> AutogradGradients::block_sizes() const {
  return sizes_of(shared_);
}

} // namespace polytask::detail
