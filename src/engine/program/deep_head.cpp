// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "deep_head.h"

#include <torch/nn/modules/container/sequential.h>

#include <algorithm>
#include <utility>

#include "core/check.h"

#include "../layers/products.h"

namespace polytask::detail {

namespace {

using Modules = std::vector<std::shared_ptr<torch::nn::Module>>;

void append_parts(
    const std::shared_ptr<torch::nn::Module>& module, Modules& parts) {
  if (!exactly<torch::nn::SequentialImpl>(module)) {
    parts.push_back(module);
    return;
  }
  for (const auto& child : module->children()) {
    append_parts(child, parts);
  }
}

} // namespace

std::unique_ptr<DeepHead> DeepHead::make(
    const MultiTaskModel& model, int64_t task, std::string& reason) {
  const std::string whose = "the head of task '" +
      model->task_names()[static_cast<size_t>(task)] + "' ";
  Modules parts;
  append_parts(model->task(task).head().module(), parts);
  const auto last =
      parts.empty() ? std::nullopt : LinearLayer::of(parts.back());
  if (!last) {
    reason = whose + "is not linear";
    return nullptr;
  }
  parts.pop_back();
  KnownLayers layers;
  std::vector<torch::Tensor> registered;
  for (const auto& part : parts) {
    if (!append_known_layers(part, layers, reason)) {
      reason = whose + "is not linear and has " + reason;
      return nullptr;
    }
    const auto own = part->parameters();
    registered.insert(registered.end(), own.begin(), own.end());
  }
  const bool maps_rows =
      std::all_of(layers.begin(), layers.end(), [](const auto& layer) {
        return layer->maps_rows();
      });
  if (!maps_rows) {
    reason = whose + "is not linear and takes more than rows";
    return nullptr;
  }
  auto outputs = LinearHeads::make(model, {{task, *last}}, reason);
  auto before =
      LayerChain::make(std::move(layers), std::move(registered), reason);
  if (!outputs || !before) {
    return nullptr;
  }
  return std::unique_ptr<DeepHead>(
      new DeepHead(model, task, std::move(before), std::move(outputs)));
}

DeepHead::DeepHead(
    const MultiTaskModel& model,
    int64_t task,
    std::shared_ptr<LayerChain> before,
    std::unique_ptr<LinearHeads> last)
    : model_(model),
      task_(task),
      before_(std::move(before)),
      last_(std::move(last)),
      gradients_(before_) {}

Obstacle DeepHead::obstacle(
    at::ScalarType type, int64_t rows, const HeadStep& step) const {
  if (auto found = before_->obstacle(*output_layer().weight)) {
    return found;
  }
  return last_->obstacle(type, rows, step);
}

void DeepHead::hide(const at::Tensor& features) {
  try {
    hidden_ = before_->forward(features);
    TORCH_CHECK_VALUE(
        hidden_.size(1) == output_layer().width,
        "Linear: expected an input [..., ",
        output_layer().width,
        "], but got ",
        hidden_.sizes(),
        ".");
  } catch (const c10::Error&) {
    rethrow_with(c10::str(
        "Task '",
        model_->task_names()[static_cast<size_t>(task_)],
        "': the head cannot take features of shape ",
        features.sizes(),
        ": "));
  }
}

void DeepHead::forward(const HeadStep& step, std::vector<double>& losses) {
  last_->forward(hidden_, step, /*needs_cotangent=*/true, losses);
}

at::Tensor DeepHead::backward(const HeadStep& step, bool needs_cotangent) {
  at::Tensor cotangent;
  if (needs_cotangent || before_->learns()) {
    reserve(hidden_cotangent_, hidden_.sizes(), hidden_.options());
    cotangent = hidden_cotangent_;
  }
  last_->backward(hidden_, step, cotangent);
  if (needs_cotangent) {
    return gradients_.compute_through(cotangent);
  }
  if (before_->learns()) {
    gradients_.compute(cotangent);
  }
  return {};
}

void DeepHead::publish(const HeadStep* step) {
  gradients_.clear();
  if (step == nullptr) {
    last_->publish({});
    return;
  }
  last_->publish(*step);
  if (last_->learns(task_)) {
    gradients_.publish();
  }
}

void DeepHead::scale(double factor) {
  last_->scale(task_, factor);
  gradients_.scale(factor);
}

} // namespace polytask::detail
