// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/preceded.h>

#include "core/check.h"
#include "core/tensor_sets.h"
#include "sharing/cloning.h"
#include "sharing/task_places.h"

namespace polytask {

PrecededImpl::PrecededImpl(
    Network first, std::shared_ptr<Sharing> inner, PrecededOptions options)
    : SharingAround("polytask::Preceded", std::move(inner)),
      first_(std::move(first)),
      options_(std::move(options)) {
  register_module("first", first_.module());
}

Inputs PrecededImpl::inner_inputs(const Inputs& inputs) const {
  torch::Tensor output;
  try {
    output = first_.forward(inputs);
  } catch (const c10::Error&) {
    detail::rethrow_with(c10::str(
        "Preceded: the first network cannot take an input of shape ",
        inputs,
        ": "));
  }
  if (options_.replaces().empty()) {
    return output;
  }
  TORCH_CHECK_VALUE(
      inputs.has(options_.replaces()),
      "Preceded: there is no input '",
      options_.replaces(),
      "' to replace; there is ",
      detail::quoted(inputs.names()),
      ".");
  std::vector<Inputs::Named> all;
  inputs.for_each([&](const std::string& name, const torch::Tensor& tensor) {
    all.emplace_back(name, name == options_.replaces() ? output : tensor);
  });
  return Inputs(std::move(all));
}

std::vector<Inputs> PrecededImpl::features_for_all(
    const Inputs& inputs, int64_t tasks) {
  detail::check_all_tasks(*this, tasks);
  return inner().features_for_all(inner_inputs(inputs), tasks);
}

Inputs PrecededImpl::features_for(const Inputs& inputs, int64_t task) {
  detail::task_place(*this, task);
  return inner().features_for(inner_inputs(inputs), task);
}

std::vector<Inputs> PrecededImpl::features_for_some(
    const Inputs& inputs, const std::vector<int64_t>& tasks) {
  for (const int64_t task : tasks) {
    detail::task_place(*this, task);
  }
  return inner().features_for_some(inner_inputs(inputs), tasks);
}

std::vector<torch::Tensor> PrecededImpl::used_parameters(int64_t task) const {
  detail::task_place(*this, task);
  return detail::joined(
      {first_.module()->parameters(), inner().used_parameters(task)});
}

std::shared_ptr<torch::nn::Module> PrecededImpl::clone(
    const std::optional<torch::Device>& device) const {
  auto copy = std::make_shared<PrecededImpl>(
      first_.clone(device), clone_of(inner(), device), options_);
  copy->serve_as(*this);
  detail::complete_clone(*this, *copy);
  return copy;
}

void PrecededImpl::pretty_print(std::ostream& stream) const {
  stream << "polytask::Preceded()";
}

} // namespace polytask
