// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/eye.h>
#include <ATen/ops/stack.h>
#include <polytask/balancing/gramian_balancing.h>
#include <polytask/balancing/jacobian_balancing.h>
#include <polytask/balancing/loss_balancing.h>
#include <polytask/balancing/make.h>
#include <torch/csrc/autograd/autograd.h>

#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/golden.h"

namespace polytask::testing {

using balancing::Balancing;
using balancing::Extras;
using nlohmann::json;

namespace {

/// What a step holds beside the method's inputs.
const std::set<std::string> kNoInputs = {
    "name",
    "hyperparameters",
    "expected",
    "tolerance",
    "optimum",
    "also_accept",
    "reference_answer",
    "omitted",
    "notes",
    "gramian_rank",
    "equal_projections",
    "optimum_method",
    "optimum_deviation_of_reference"};
/// What is trained with the model's parameters.
const std::set<std::string> kTrained = {"log_var", "log_scale", "loss_scale"};

Extras extras_of(const json& step) {
  Extras extras;
  for (const auto& [name, value] : step.items()) {
    if (!kNoInputs.contains(name) && (value.is_array() || value.is_number())) {
      extras[name] = golden_tensor(value);
    }
  }
  return extras;
}

/// The main input, taken out of the extras.
at::Tensor take_jacobian(Extras& extras) {
  for (const char* name : {"jacobian", "representation_gradients"}) {
    const auto found = extras.find(name);
    if (found != extras.end()) {
      const at::Tensor jacobian = found->second;
      extras.erase(found);
      return jacobian;
    }
  }
  // Of three batches, the one that is combined; it stays among the extras.
  if (extras.contains("jacobian_3")) {
    return extras.at("jacobian_3");
  }
  // Where another method's weights are given, the update shows the weights.
  return at::eye(extras.at("inner_weights").numel(), at::kDouble);
}

/// States that the files call otherwise, and those of each block of columns.
void add_state(const Balancing& method, Outputs& outputs) {
  static const std::map<std::string, std::string> kOthers = {
      {"phi", "rho"}, {"loss_scale", "loss_scale_after"}};
  std::map<std::string, std::vector<at::Tensor>> blocks;
  for (const auto& [key, tensor] : method.state()) {
    const size_t end = key.find('/');
    const auto name = end == std::string::npos ? key : key.substr(end + 1);
    blocks[name].push_back(tensor);
    if (end == std::string::npos) {
      outputs.emplace(name, tensor);
    }
    const auto other = kOthers.find(name);
    if (other != kOthers.end()) {
      blocks[other->second].push_back(tensor);
    }
  }
  for (const auto& [name, tensors] : blocks) {
    if (!outputs.contains(name)) {
      outputs[name] = tensors.size() == 1 ? tensors[0] : at::stack(tensors, -1);
    }
  }
}

Outputs loss_outputs(balancing::LossBalancing& method, Extras extras) {
  Outputs outputs;
  const at::Tensor losses = extras.at("losses").requires_grad_();
  extras.erase("losses");
  std::vector<at::Tensor> inputs = {losses};
  std::string trained;
  for (const auto& [name, tensor] : extras) {
    if (kTrained.contains(name)) {
      trained = name;
      inputs.push_back(tensor.requires_grad_());
    }
  }
  at::Tensor after;
  if (method.wants_losses_after() && extras.contains("losses_after")) {
    after = extras.at("losses_after");
    extras.erase("losses_after");
  }
  const at::Tensor value = method.scalarize(losses, extras);
  const auto gradients = torch::autograd::grad({value}, inputs);
  outputs["value"] = value.detach();
  outputs["loss_gradient"] = outputs["weights"] = gradients[0];
  if (!trained.empty()) {
    outputs["parameter_gradient"] = gradients[1];
    outputs[trained + "_gradient"] = gradients[1];
  }
  if (after.defined()) {
    method.observe_after(after);
  }
  return outputs;
}

/// An epoch of several batches; the weights are those of the first.
Outputs epoch_outputs(
    balancing::LossBalancing& method, const at::Tensor& batches) {
  Outputs outputs;
  std::vector<at::Tensor> values;
  for (const auto& losses : batches.unbind()) {
    const at::Tensor leaf = losses.clone().requires_grad_();
    const at::Tensor value = method.scalarize(leaf);
    values.push_back(value.detach());
    if (!outputs.contains("loss_gradient")) {
      outputs["loss_gradient"] = torch::autograd::grad({value}, {leaf})[0];
    }
  }
  method.end_epoch();
  outputs["values"] = at::stack(values);
  return outputs;
}

Outputs step_outputs(balancing::LossBalancing& method, const json& step) {
  Extras extras = extras_of(step);
  if (extras.contains("batches")) {
    return epoch_outputs(method, extras.at("batches"));
  }
  if (extras.contains("epoch_losses")) {
    std::vector<at::Tensor> weights;
    for (const auto& losses : extras.at("epoch_losses").unbind(1)) {
      weights.push_back(method.weights(losses));
      method.end_epoch();
    }
    return {{"weights", at::stack(weights)}};
  }
  if (!extras.contains("jacobian")) {
    return loss_outputs(method, extras);
  }
  Outputs outputs;
  const at::Tensor jacobian = take_jacobian(extras);
  // Each of the two counts as a step.
  const auto twin = method.clone();
  const at::Tensor ones = at::eye(jacobian.size(0), at::kDouble);
  outputs["weights"] =
      static_cast<balancing::LossBalancing&>(*twin).direction(ones, extras);
  outputs["gradient"] = method.direction(jacobian, extras);
  return outputs;
}

Outputs step_outputs(Balancing& method, const json& step) {
  if (auto* losses = dynamic_cast<balancing::LossBalancing*>(&method)) {
    return step_outputs(*losses, step);
  }
  Extras extras = extras_of(step);
  const at::Tensor jacobian = take_jacobian(extras);
  Outputs outputs;
  if (auto* gramian = dynamic_cast<balancing::GramianBalancing*>(&method)) {
    outputs["gradient"] = gramian->direction(jacobian, extras);
    outputs["weights"] = golden_tensor(json(gramian->last_weights()));
  } else {
    outputs["gradient"] =
        dynamic_cast<balancing::JacobianBalancing&>(method).direction(
            jacobian, extras);
  }
  outputs["representation_gradient"] = outputs["gradient"];
  return outputs;
}

/// With what is fixed in the reference and therefore not among the case's.
balancing::OptionValues options_of(const GoldenCase& golden) {
  auto options = golden.options;
  if (golden.method == "sdmgrad") {
    options.emplace("eps", 1e-8);
  } else if (golden.method == "krum") {
    options.emplace("squared", false);
  } else if (golden.method == "cr_mogm" && options.contains("inner")) {
    options.emplace("norm_eps", 1e-4);
    options.emplace("reg_eps", 1e-4);
  }
  return options;
}

} // namespace

std::vector<Outputs> drive_balancing(const GoldenCase& golden) {
  const auto method = balancing::make(golden.method, options_of(golden));
  std::vector<Outputs> outputs;
  for (const json& step : golden.steps) {
    outputs.push_back(step_outputs(*method, step));
    add_state(*method, outputs.back());
  }
  return outputs;
}

} // namespace polytask::testing
