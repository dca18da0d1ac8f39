// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/experts/gate.h"

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include <utility>

#include "sharing/cloning.h"

namespace polytask::detail {

namespace {

using torch::nn::Linear;
using torch::nn::LinearOptions;

Network make_gate_logits(const GateForm& form, int64_t experts) {
  if (form.hidden.empty()) {
    return Linear(LinearOptions(form.in_features, experts).bias(form.bias));
  }
  torch::nn::Sequential layers;
  int64_t width = form.in_features;
  for (const int64_t next : form.hidden) {
    layers->push_back(Linear(width, next));
    layers->push_back(torch::nn::ReLU());
    width = next;
  }
  layers->push_back(Linear(LinearOptions(width, experts).bias(form.bias)));
  return layers;
}

// Of a gate's last layer: the rows of `old`, with those of `now` from `place`
// on between them.
void keep_learned(
    const torch::Tensor& old,
    const torch::Tensor& now,
    int64_t place,
    int64_t added) {
  const int64_t behind = old.size(0) - place;
  now.narrow(0, 0, place).copy_(old.narrow(0, 0, place));
  now.narrow(0, place + added, behind).copy_(old.narrow(0, place, behind));
}

} // namespace

SoftmaxGate::SoftmaxGate(GateForm form, int64_t experts)
    : SoftmaxGate(form, experts, make_gate_logits(form, experts)) {}

SoftmaxGate::SoftmaxGate(GateForm form, int64_t experts, Network logits)
    : Gate("polytask::SoftmaxGate"),
      form_(std::move(form)),
      experts_(experts),
      logits_(std::move(logits)) {
  register_module("logits", logits_.module());
}

torch::Tensor SoftmaxGate::shares(const torch::Tensor& rows) {
  return torch::softmax(logits_.forward(rows), 1);
}

std::shared_ptr<Gate> SoftmaxGate::with_more(int64_t place, int64_t added) {
  auto more = std::make_shared<SoftmaxGate>(form_, experts_ + added);
  const auto from = parameters();
  more->to(from[0].device(), from[0].scalar_type());
  const auto to = more->parameters();
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i].sizes() == to[i].sizes()) {
      to[i].copy_(from[i]);
    } else {
      keep_learned(from[i], to[i], place, added);
    }
    to[i].requires_grad_(from[i].requires_grad());
  }
  more->train(is_training());
  return more;
}

std::shared_ptr<Gate> SoftmaxGate::copy(
    const std::optional<torch::Device>& device) const {
  auto made =
      std::make_shared<SoftmaxGate>(form_, experts_, logits_.clone(device));
  complete_clone(*this, *made);
  return made;
}

} // namespace polytask::detail
