// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/deep_bayesian_mtl.h>

#include <ATen/ops/cat.h>
#include <c10/util/Exception.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>

#include "core/archive_key.h"
#include "core/check.h"
#include "core/tensor_sets.h"
#include "sharing/cloning.h"
#include "sharing/like_rest.h"
#include "sharing/matching.h"
#include "sharing/relation_checks.h"
#include "sharing/task_places.h"

namespace polytask {

namespace {

torch::nn::Sequential dbmtl_layers(
    int64_t width, const std::vector<int64_t>& widths) {
  torch::nn::Sequential layers;
  for (const int64_t next : widths) {
    layers->push_back(torch::nn::Linear(width, next));
    layers->push_back(torch::nn::ReLU());
    width = next;
  }
  return layers;
}

void check_dbmtl_widths(const char* what, const std::vector<int64_t>& widths) {
  for (const int64_t width : widths) {
    TORCH_CHECK_VALUE(
        width >= 1,
        "DeepBayesianMTL: expected ",
        what,
        " of at least 1, but got ",
        width,
        ".");
  }
}

} // namespace

DeepBayesianMTLImpl::DeepBayesianMTLImpl(
    std::shared_ptr<Sharing> inner, DeepBayesianMTLOptions options)
    : SharingAround("polytask::DeepBayesianMTL", std::move(inner)),
      options_(std::move(options)),
      towers_(std::make_shared<torch::nn::Module>("polytask::Towers")),
      relations_(std::make_shared<torch::nn::Module>("polytask::Relations")) {
  check_dbmtl_widths("in_features", {options_.in_features()});
  check_dbmtl_widths("tower_widths", options_.tower_widths());
  check_dbmtl_widths("relation_widths", options_.relation_widths());
  detail::check_relations(options_.relations());
  TORCH_CHECK_VALUE(
      !options_.relation_widths().empty() ||
          (options_.relations().empty() && !options_.relates_all()),
      "DeepBayesianMTL: expected relation_widths where there are relation "
      "networks.");
  register_module("towers", towers_);
  register_module("relations", relations_);
}

const std::vector<std::string>& DeepBayesianMTLImpl::predecessors(
    const std::string& name) const {
  static const std::vector<std::string> none;
  const auto found = options_.relations().find(name);
  return found == options_.relations().end() ? none : found->second;
}

void DeepBayesianMTLImpl::add_task(const std::string& name) {
  for (const auto& before : predecessors(name)) {
    TORCH_CHECK_VALUE(
        std::find(tasks().begin(), tasks().end(), before) != tasks().end(),
        "DeepBayesianMTL: task '",
        name,
        "' is related to '",
        before,
        "', which does not stand before it; there is ",
        tasks().empty() ? "none" : detail::quoted(tasks()),
        ".");
  }
  SharingAround::add_task(name);
  add_step(name);
}

void DeepBayesianMTLImpl::add_step(const std::string& name) {
  const auto key = detail::archive_key(name);
  Step step;
  step.width = options_.tower_widths().empty() ? options_.in_features()
                                               : options_.tower_widths().back();
  int64_t related = step.width;
  for (const auto& before : predecessors(name)) {
    const auto& names = inner().tasks();
    const auto place = std::find(names.begin(), names.end(), before);
    step.before.push_back(static_cast<size_t>(place - names.begin()));
    related += steps_[step.before.back()].width;
  }
  if (!options_.tower_widths().empty()) {
    step.tower = dbmtl_layers(options_.in_features(), options_.tower_widths());
    detail::make_like_rest(*this, *step.tower);
    towers_->register_module(key, step.tower);
  }
  if (!step.before.empty() || options_.relates_all()) {
    step.relation = dbmtl_layers(related, options_.relation_widths());
    detail::make_like_rest(*this, *step.relation);
    relations_->register_module(key, step.relation);
    step.width = options_.relation_widths().back();
  }
  steps_.push_back(std::move(step));
}

DeepBayesianMTLImpl::Places DeepBayesianMTLImpl::needed_by(size_t task) const {
  Places needed(steps_.size(), false);
  needed[task] = true;
  for (size_t i = task + 1; i-- > 0;) {
    for (const size_t before : steps_[i].before) {
      needed[before] = needed[before] || needed[i];
    }
  }
  return needed;
}

void DeepBayesianMTLImpl::check_names() const {
  for (const auto& entry : options_.relations()) {
    TORCH_CHECK_VALUE(
        std::find(tasks().begin(), tasks().end(), entry.first) != tasks().end(),
        "DeepBayesianMTL: the relations name the task '",
        entry.first,
        "', which is not there; there is ",
        detail::quoted(tasks()),
        ".");
  }
}

torch::Tensor DeepBayesianMTLImpl::checked(
    const Inputs& features, size_t task) const {
  const torch::Tensor& tensor = features.tensor();
  TORCH_CHECK_VALUE(
      tensor.dim() == 2 && tensor.size(1) == options_.in_features(),
      "DeepBayesianMTL: expected features of shape [B, ",
      options_.in_features(),
      "] of the inner sharing for task '",
      tasks()[task],
      "', but got ",
      tensor.sizes(),
      ".");
  return tensor;
}

std::vector<torch::Tensor> DeepBayesianMTLImpl::outputs(
    const std::vector<torch::Tensor>& inner, const Places& needed) const {
  std::vector<torch::Tensor> all(steps_.size());
  for (size_t i = 0; i < steps_.size(); ++i) {
    if (!needed[i]) {
      continue;
    }
    Step step = steps_[i];
    torch::Tensor output =
        step.tower.is_empty() ? inner[i] : step.tower->forward(inner[i]);
    if (!step.relation.is_empty()) {
      std::vector<torch::Tensor> parts{output};
      for (const size_t before : step.before) {
        parts.push_back(all[before]);
      }
      output = step.relation->forward(at::cat(parts, 1));
    }
    all[i] = std::move(output);
  }
  return all;
}

std::vector<Inputs> DeepBayesianMTLImpl::features_for_all(
    const Inputs& inputs, int64_t tasks) {
  detail::check_all_tasks(*this, tasks);
  check_names();
  const auto given = inner().features_for_all(inputs, tasks);
  std::vector<torch::Tensor> tensors;
  for (size_t i = 0; i < given.size(); ++i) {
    tensors.push_back(checked(given[i], i));
  }
  const auto all = outputs(tensors, Places(steps_.size(), true));
  return {all.begin(), all.end()};
}

Inputs DeepBayesianMTLImpl::features_for(const Inputs& inputs, int64_t task) {
  const size_t place = detail::task_place(*this, task);
  check_names();
  const auto needed = needed_by(place);
  std::vector<torch::Tensor> tensors(steps_.size());
  if (std::find(needed.begin(), needed.end(), false) == needed.end()) {
    // At once, for the inner one may compute what they share once.
    const auto given =
        inner().features_for_all(inputs, static_cast<int64_t>(steps_.size()));
    for (size_t i = 0; i < given.size(); ++i) {
      tensors[i] = checked(given[i], i);
    }
  } else {
    for (size_t i = 0; i < needed.size(); ++i) {
      if (needed[i]) {
        tensors[i] =
            checked(inner().features_for(inputs, static_cast<int64_t>(i)), i);
      }
    }
  }
  return outputs(tensors, needed)[place];
}

std::vector<torch::Tensor> DeepBayesianMTLImpl::step_parameters(
    size_t place) const {
  std::vector<std::vector<torch::Tensor>> lists;
  for (const auto& layers : {steps_[place].tower, steps_[place].relation}) {
    if (!layers.is_empty()) {
      lists.push_back(layers->parameters());
    }
  }
  return detail::joined(lists);
}

std::vector<torch::Tensor> DeepBayesianMTLImpl::task_parameters(
    int64_t task) const {
  const size_t place = detail::task_place(*this, task);
  for (size_t other = place + 1; other < steps_.size(); ++other) {
    if (needed_by(other)[place]) {
      return {};
    }
  }
  return detail::joined(
      {inner().task_parameters(task), step_parameters(place)});
}

std::vector<torch::Tensor> DeepBayesianMTLImpl::used_parameters(
    int64_t task) const {
  const auto needed = needed_by(detail::task_place(*this, task));
  std::vector<std::vector<torch::Tensor>> lists;
  for (size_t i = 0; i < needed.size(); ++i) {
    if (needed[i]) {
      lists.push_back(inner().used_parameters(static_cast<int64_t>(i)));
      lists.push_back(step_parameters(i));
    }
  }
  return detail::joined(lists);
}

std::shared_ptr<torch::nn::Module> DeepBayesianMTLImpl::clone(
    const std::optional<torch::Device>& device) const {
  auto copy = std::make_shared<DeepBayesianMTLImpl>(
      clone_of(inner(), device), options_);
  for (const auto& name : tasks()) {
    copy->add_step(name);
  }
  detail::copy_state(*towers_, *copy->towers_, device);
  detail::copy_state(*relations_, *copy->relations_, device);
  copy->serve_as(*this);
  detail::complete_clone(*this, *copy);
  return copy;
}

void DeepBayesianMTLImpl::pretty_print(std::ostream& stream) const {
  stream << "polytask::DeepBayesianMTL(in_features=" << options_.in_features()
         << ", tower_widths=" << c10::ArrayRef<int64_t>(options_.tower_widths())
         << ", relation_widths="
         << c10::ArrayRef<int64_t>(options_.relation_widths()) << ")";
}

} // namespace polytask
