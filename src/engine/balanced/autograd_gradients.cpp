// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "autograd_gradients.h"

#include <ATen/TensorOperators.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <utility>

#include "core/host_value.h"
#include "model/parameters.h"

#include "../costs.h"
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
      {static_cast<int64_t>(parts.size()), count_}, context_.tensor_options());
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

// All that the tasks share lies behind one feature tensor.
bool AutogradGradients::is_plain() const {
  const auto& parts = heads_.parts();
  return !shared_.empty() && !context_.plan().has_gates() &&
      !heads_.has_shared_strays() && parts.size() > 1 &&
      parts[0].features[0].requires_grad() &&
      std::all_of(parts.begin(), parts.end(), [&](const Part& part) {
        return part.features.size() == 1 &&
            part.features[0].is_same(parts[0].features[0]);
      });
}

Route AutogradGradients::choose_route(bool reads_jacobian) {
  const auto& parts = heads_.parts();
  const Route wanted = context_.options.route();
  const bool asked = wanted == Route::kBatchedJacobian ||
      wanted == Route::kStreamedGramian || wanted == Route::kFeatureGradients;
  const bool plain = is_plain();
  const bool learns_nothing = shared_.empty() && !context_.plan().has_gates();
  TORCH_CHECK_VALUE(
      !asked || plain || parts.size() < 2 || learns_nothing,
      "training: the route '",
      to_string(wanted),
      "' cannot take this step: the tasks do not share one feature tensor.");
  TORCH_CHECK_VALUE(
      wanted != Route::kStreamedGramian || strays_.empty(),
      "training: the route '",
      to_string(wanted),
      "' cannot take this step: it reaches leaves that are not shared.");
  TORCH_CHECK_VALUE(
      !reads_jacobian ||
          (wanted != Route::kStreamedGramian &&
           wanted != Route::kFeatureGradients),
      "training: the route '",
      to_string(wanted),
      "' cannot take this step: the method reads the Jacobian itself.");
  if (asked && plain) {
    choice_ = {wanted, "it was asked for"};
    return wanted;
  }
  if (wanted == Route::kAuto && plain && !refuses_batches_) {
    const RowsJob job{
        static_cast<int64_t>(parts.size()),
        parts[0].features[0].size(0),
        count_,
        static_cast<int64_t>(shared_[0].element_size())};
    if (!reads_jacobian && can_stream() && strays_.empty() &&
        is_too_large_to_hold(job)) {
      choice_ = {
          Route::kStreamedGramian,
          reason_ + "; the Jacobian would be too large to hold"};
      return choice_.route;
    }
    if (is_overhead(job)) {
      choice_ = {
          Route::kBatchedJacobian,
          reason_ + "; the network is small, so its operations are vectorised"};
      return choice_.route;
    }
  }
  choice_ = {Route::kAutograd, "one backward for each task: " + reason_};
  return choice_.route;
}

torch::Tensor AutogradGradients::rows_by(Route route) {
  if (route != Route::kBatchedJacobian) {
    return loop();
  }
  try {
    return batched();
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const c10::Error&) {
    if (context_.options.route() == Route::kBatchedJacobian) {
      throw;
    }
  }
  refuse_batches();
  return loop();
}

void AutogradGradients::refuse_batches() {
  refuses_batches_ = true;
  choice_ = {
      Route::kAutograd,
      "one backward for each task: the model's backward cannot be vectorised"};
}

torch::Tensor AutogradGradients::jacobian() {
  if (!rows_.defined()) {
    rows_ = rows_by(choose_route(/*reads_jacobian=*/true));
  }
  return rows_;
}

math::Matrix AutogradGradients::gramian() {
  Route route = choose_route(/*reads_jacobian=*/false);
  if (route == Route::kStreamedGramian) {
    try {
      return streamed();
    } catch (const c10::OutOfMemoryError&) {
      throw;
    } catch (const c10::Error&) {
      if (context_.options.route() == Route::kStreamedGramian) {
        throw;
      }
    }
    refuse_batches();
    route = Route::kAutograd;
  }
  GramianSum sum(static_cast<int64_t>(heads_.parts().size()));
  if (route == Route::kFeatureGradients) {
    sum.add_rows(heads_.cotangents().flatten(1));
  } else {
    rows_ = rows_by(route);
    sum.add_rows(rows_);
  }
  return sum.value();
}

void AutogradGradients::publish_weighted(const TaskWeights& weights) {
  if (choice_.reason.empty()) {
    choice_ = {Route::kAutograd, "one weighted backward: " + reason_};
  }
  if (context_.plan().has_gates() || heads_.has_shared_strays()) {
    jacobian(); // gates have a gradient of their own task alone
  }
  if (rows_.defined()) {
    publish_direction(torch::mv(rows_.t(), weights.as(rows_.options())));
    return;
  }
  publish_strays();
  const Combined sum = combined(weights);
  if (!sum.outputs.empty() && !shared_.empty()) {
    auto gradients = torch::autograd::grad(
        sum.outputs,
        shared_,
        sum.cotangents,
        /*retain_graph=*/false,
        /*create_graph=*/false,
        /*allow_unused=*/true);
    for (size_t i = 0; i < shared_.size(); ++i) {
      set_own_gradient(shared_[i], gradients[i]);
    }
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
  if (context_.plan().has_gates()) {
    jacobian(); // which is where gates get their gradients
  }
  head_weights_ = weights;
  heads_.scale(weights);
  for (size_t i = 0; i < heads_.parts().size(); ++i) {
    for (const auto& parameter :
         context_.plan().gates(heads_.parts()[i].task)) {
      if (parameter.grad().defined()) {
        weights.scale(parameter.mutable_grad(), i);
      }
    }
  }
}

std::vector<int64_t> AutogradGradients::block_sizes() const {
  return sizes_of(shared_);
}

} // namespace polytask::detail
