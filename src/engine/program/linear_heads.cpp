// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "linear_heads.h"

#include <algorithm>
#include <limits>

namespace polytask::detail {

std::unique_ptr<LinearHeads> LinearHeads::make(
    const MultiTaskModel& model,
    std::vector<OutputLayer> layers,
    std::string& reason) {
  std::unique_ptr<LinearHeads> heads(new LinearHeads(model));
  if (layers.size() > 1) {
    heads->places_.resize(static_cast<size_t>(model->size()));
  }
  for (auto& [task, layer] : layers) {
    const std::string& name = model->task_names()[static_cast<size_t>(task)];
    if (!heads->heads_.empty() && layer.width != heads->width_) {
      reason = "task '" + name + "' reads another number of features";
      return nullptr;
    }
    const LossForm form = model->task(task).loss().function().form();
    if (form.kind == LossForm::Kind::kUnknown) {
      reason = "the loss of task '" + name + "' is the user's own";
      return nullptr;
    }
    heads->width_ = layer.width;
    Head head{
        task, std::move(layer), heads->outputs_, form, {}, {}, {}, {}, true};
    if (!heads->places_.empty()) {
      heads->places_[static_cast<size_t>(task)] = heads->heads_.size();
    }
    heads->outputs_ += head.layer.outputs;
    heads->heads_.push_back(std::move(head));
  }
  return heads;
}

LinearHeads::LinearHeads(const MultiTaskModel& model) : model_(model) {}

bool LinearHeads::are_squares(c10::ArrayRef<HeadStep> steps) const {
  return std::all_of(steps.begin(), steps.end(), [&](const HeadStep& step) {
    return is_by_hand(step) && head(step).form.kind == LossForm::Kind::kSquared;
  });
}

Obstacle LinearHeads::target_obstacle(
    const HeadStep& step, int64_t rows) const {
  const Head& own = head(step);
  if (!is_by_hand(step)) {
    return {}; // the loss itself looks at its target
  }
  const at::Tensor& target = step.labels->target();
  if (target.dim() != 2 || target.size(0) != rows ||
      target.size(1) != own.layer.outputs) {
    return {"a target's shape is not the output's", /*is_error=*/true};
  }
  if (target.scalar_type() != own.layer.weight->scalar_type()) {
    return {"a target's dtype is not the output's", /*is_error=*/true};
  }
  if (target.requires_grad()) {
    return {"a target requires a gradient"};
  }
  if (target.layout() != at::kStrided || target.is_neg()) {
    return {"a target is not plain memory"};
  }
  return {};
}

Obstacle LinearHeads::obstacle(
    at::ScalarType type, int64_t rows, c10::ArrayRef<HeadStep> steps) const {
  if (type != at::kFloat && type != at::kDouble) {
    return {"the model is neither float32 nor float64"};
  }
  if (rows > std::numeric_limits<int>::max()) {
    return {"BLAS cannot count so many rows"};
  }
  for (const HeadStep& step : steps) {
    if (auto found = head(step).layer.obstacle(type)) {
      return found;
    }
    if (auto found = target_obstacle(step, rows)) {
      return found;
    }
  }
  return {};
}

void LinearHeads::prepare(at::ScalarType type) {
  if (type == type_) {
    return;
  }
  type_ = type;
  const auto options = torch::TensorOptions(type);
  weights_ = torch::empty({outputs_, width_}, options);
  some_gradients_ = torch::empty({outputs_, width_}, options);
  weight_gradients_ = torch::empty({outputs_, width_}, options);
  bias_gradients_ = torch::empty({outputs_}, options);
  residuals_ = torch::empty({0}, options);
  for (Head& own : heads_) {
    const auto& layer = own.layer;
    own.weight_gradient = alias(
        weight_gradients_, own.first * width_, {layer.outputs, layer.width});
    own.bias_gradient = layer.has_bias()
        ? alias(bias_gradients_, own.first, {layer.outputs})
        : torch::Tensor();
  }
}

int64_t LinearHeads::outputs(c10::ArrayRef<HeadStep> steps) const {
  int64_t count = 0;
  for (const HeadStep& step : steps) {
    count += head(step).layer.outputs;
  }
  return count;
}

void LinearHeads::publish(c10::ArrayRef<HeadStep> steps) {
  const HeadStep* step = steps.begin();
  for (Head& own : heads_) {
    const bool takes_part = step != steps.end() && step->task == own.task;
    step += takes_part ? 1 : 0;
    // Those that stand in the module may be another head's, tied unregistered.
    const torch::Tensor& weight =
        takes_part ? *own.layer.weight : own.layer.registered_weight;
    const torch::Tensor& bias =
        takes_part ? *own.layer.bias : own.layer.registered_bias;
    const bool learns = takes_part && own.learns;
    if (weight.defined()) {
      set_gradient(weight, learns ? own.weight_gradient : torch::Tensor());
    }
    if (bias.defined()) {
      set_gradient(bias, learns ? own.bias_gradient : torch::Tensor());
    }
  }
}

} // namespace polytask::detail
