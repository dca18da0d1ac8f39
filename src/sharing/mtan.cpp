// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/mtan.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <c10/util/Exception.h>

#include <string>

#include "core/check.h"
#include "sharing/attention_layers.h"
#include "sharing/cloning.h"
#include "sharing/like_rest.h"
#include "sharing/stage_columns.h"

namespace polytask {

namespace {

void check_attention(
    const std::vector<MTANStage>& stages, const MTANOptions& options) {
  TORCH_CHECK_VALUE(
      !stages.empty(), "MTAN: expected at least one stage, got none.");
  for (size_t i = 0; i < stages.size(); ++i) {
    TORCH_CHECK_VALUE(
        stages[i].first_channels >= 1 && stages[i].channels >= 1,
        "MTAN: expected the parts of stage ",
        i,
        " to have at least 1 channel, but got ",
        stages[i].first_channels,
        " and ",
        stages[i].channels,
        ".");
  }
  TORCH_CHECK_VALUE(
      options.attention_channels() >= 0,
      "MTAN: expected attention_channels of at least 0, but got ",
      options.attention_channels(),
      ".");
}

bool are_maps(const MTANOptions& options) {
  return options.features() == MTANFeatures::kMaps;
}

StageFactories attention_factories(
    const std::vector<MTANStage>& stages, const MTANOptions& options) {
  check_attention(stages, options);
  StageFactories factories;
  for (size_t i = 0; i < stages.size(); ++i) {
    // From the second stage on, the task's feature is read as well, which has
    // the channels of the stage by then.
    const int64_t own = stages[i].channels;
    const int64_t inputs = stages[i].first_channels + (i == 0 ? 0 : own);
    const int64_t hidden =
        options.attention_channels() > 0 ? options.attention_channels() : own;
    factories.emplace_back([maps = are_maps(options), inputs, hidden, own] {
      return detail::attention_mask(maps, inputs, hidden, own);
    });
  }
  return factories;
}

torch::Tensor run_part(
    const Network& part,
    const Inputs& input,
    const char* called,
    size_t stage) {
  try {
    return part.forward(input);
  } catch (const c10::Error&) {
    detail::rethrow_with(c10::str(
        "MTAN: the ",
        called,
        " part of stage ",
        stage,
        " cannot take an input of shape ",
        input,
        ": "));
  }
}

void append_parameters(
    const torch::nn::Module& module, std::vector<torch::Tensor>& all) {
  const auto own = module.parameters();
  all.insert(all.end(), own.begin(), own.end());
}

} // namespace

MTANImpl::MTANImpl(std::vector<MTANStage> stages, MTANOptions options)
    : InputsSharing("polytask::MTAN"),
      stages_(std::move(stages)),
      options_(options),
      trunk_(std::make_shared<torch::nn::Module>("polytask::MTANStages")),
      block_list_(std::make_shared<torch::nn::Module>("polytask::MTANBlocks")),
      attention_(std::make_shared<detail::StageColumns>(
          "MTAN", attention_factories(stages_, options_))) {
  for (size_t i = 0; i < stages_.size(); ++i) {
    const auto stage = trunk_->register_module(
        std::to_string(i),
        std::make_shared<torch::nn::Module>("polytask::MTANStage"));
    stage->register_module("first", stages_[i].first.module());
    stage->register_module("second", stages_[i].second.module());
  }
  for (size_t i = 0; i + 1 < stages_.size(); ++i) {
    blocks_.push_back(detail::attention_block(
        are_maps(options_), stages_[i].channels, stages_[i + 1].channels));
    detail::make_like_rest(*trunk_, *blocks_[i].module());
    block_list_->register_module(std::to_string(i), blocks_[i].module());
  }
  register_module("stages", trunk_);
  register_module("blocks", block_list_);
  register_module("attention", attention_);
}

void MTANImpl::add_task(const std::string& name) {
  auto made = attention_->make(name);
  for (const auto& mask : made) {
    detail::make_like_rest(*this, *mask.module());
  }
  attention_->add(name, std::move(made));
}

void MTANImpl::check_part(
    size_t stage,
    const char* part,
    const torch::Tensor& output,
    int64_t channels) const {
  TORCH_CHECK_VALUE(
      output.dim() == (are_maps(options_) ? 4 : 2) &&
          output.size(1) == channels,
      "MTAN: expected the ",
      part,
      " part of stage ",
      stage,
      " to make features of shape [B, ",
      channels,
      are_maps(options_) ? ", H, W]" : "]",
      ", but it makes ",
      output.sizes(),
      ".");
}

std::vector<MTANImpl::Parts> MTANImpl::run_trunk(const Inputs& inputs) const {
  std::vector<Parts> made;
  Inputs last = inputs;
  for (size_t i = 0; i < stages_.size(); ++i) {
    Parts parts;
    parts.first = run_part(stages_[i].first, last, "first", i);
    check_part(i, "first", parts.first, stages_[i].first_channels);
    parts.second = run_part(stages_[i].second, parts.first, "second", i);
    check_part(i, "second", parts.second, stages_[i].channels);
    TORCH_CHECK_VALUE(
        parts.first.sizes().slice(2) == parts.second.sizes().slice(2),
        "MTAN: expected the parts of stage ",
        i,
        " to have the same size in space, but they make ",
        parts.first.sizes(),
        " and ",
        parts.second.sizes(),
        ".");
    last = parts.second;
    made.push_back(std::move(parts));
  }
  return made;
}

torch::Tensor MTANImpl::attended(
    const std::vector<Parts>& trunk, size_t task) const {
  torch::Tensor own; // of the stage before, in the channels of this one
  for (size_t i = 0; i < trunk.size(); ++i) {
    const torch::Tensor& first = trunk[i].first;
    torch::Tensor read = first;
    if (i > 0) {
      if (are_maps(options_)) {
        own = detail::pooled_to(own, first.size(2), first.size(3));
      }
      read = at::cat({first, own}, 1);
    }
    own = attention_->run(i, task, read) * trunk[i].second;
    if (i < blocks_.size()) {
      own = blocks_[i].forward(own);
    }
  }
  return own;
}

std::vector<torch::Tensor> MTANImpl::features_of_all(
    const Inputs& inputs, int64_t tasks) const {
  attention_->check_all(tasks);
  const auto trunk = run_trunk(inputs);
  std::vector<torch::Tensor> all;
  all.reserve(attention_->tasks());
  for (size_t t = 0; t < attention_->tasks(); ++t) {
    all.push_back(attended(trunk, t));
  }
  return all;
}

std::vector<Inputs> MTANImpl::features_for_all(
    const Inputs& inputs, int64_t tasks) {
  const auto all = features_of_all(inputs, tasks);
  return {all.begin(), all.end()};
}

Inputs MTANImpl::features_for(const Inputs& inputs, int64_t task) {
  const size_t own = attention_->checked(task);
  return attended(run_trunk(inputs), own);
}

std::vector<torch::Tensor> MTANImpl::task_parameters(int64_t task) const {
  const size_t own = attention_->checked(task);
  std::vector<torch::Tensor> all;
  for (size_t i = 0; i < stages_.size(); ++i) {
    attention_->add_parameters(own, i, all);
  }
  return all;
}

std::vector<torch::Tensor> MTANImpl::used_parameters(int64_t task) const {
  auto all = task_parameters(task);
  append_parameters(*trunk_, all);
  append_parameters(*block_list_, all);
  return all;
}

std::shared_ptr<torch::nn::Module> MTANImpl::clone(
    const std::optional<torch::Device>& device) const {
  std::vector<MTANStage> stages;
  for (const auto& stage : stages_) {
    stages.emplace_back(
        stage.first.clone(device),
        stage.second.clone(device),
        stage.first_channels,
        stage.channels);
  }
  auto copy = std::make_shared<MTANImpl>(std::move(stages), options_);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    copy->blocks_[i] = blocks_[i].clone(device);
    copy->block_list_->replace_module(
        std::to_string(i), copy->blocks_[i].module());
  }
  copy->attention_ =
      copy->replace_module("attention", attention_->copy(device));
  detail::complete_clone(*this, *copy);
  copy->serve_as(*this);
  return copy;
}

void MTANImpl::pretty_print(std::ostream& stream) const {
  stream << "polytask::MTAN(stages=" << stages_.size() << ")";
}

} // namespace polytask
