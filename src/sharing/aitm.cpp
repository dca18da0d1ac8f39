// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/aitm.h>

#include <ATen/ops/relu.h>
#include <c10/util/Exception.h>

#include "core/archive_key.h"
#include "core/check.h"
#include "core/tensor_sets.h"
#include "sharing/cloning.h"
#include "sharing/fresh_modules.h"
#include "sharing/like_rest.h"
#include "sharing/matching.h"
#include "sharing/task_places.h"
#include "sharing/transfer_attention.h"

namespace polytask {

namespace {

std::string bottom_of(const std::string& task) {
  return "the bottom of task '" + task + "'";
}

std::shared_ptr<detail::TransferAttention> make_attention(
    const AITMOptions& options) {
  const auto kind = options.attention();
  return std::make_shared<detail::TransferAttention>(
      options.width(),
      /*bias=*/kind != AITMAttention::kPerStep,
      /*per_item=*/kind == AITMAttention::kPerItem);
}

} // namespace

AITMImpl::AITMImpl(NetworkFactory bottom, AITMOptions options)
    : InputsSharing("polytask::AITM"),
      bottom_(std::move(bottom)),
      options_(options),
      bottoms_(std::make_shared<torch::nn::Module>("polytask::Bottoms")),
      info_(std::make_shared<torch::nn::Module>("polytask::Info")),
      known_(std::make_unique<detail::FreshModules>("AITM")) {
  TORCH_CHECK_VALUE(
      bottom_,
      "AITM: expected a function that makes bottoms, but it is empty.");
  TORCH_CHECK_VALUE(
      options_.width() >= 1,
      "AITM: expected a width of at least 1, but got ",
      options_.width(),
      ".");
  if (options_.attention() == AITMAttention::kShared) {
    attention_ = make_attention(options_);
  } else {
    attention_ = std::make_shared<torch::nn::Module>("polytask::Attention");
  }
  register_module("bottoms", bottoms_);
  register_module("info", info_);
  register_module("attention", attention_);
}

AITMImpl::~AITMImpl() = default;

void AITMImpl::add_task(const std::string& name) {
  Network bottom = bottom_();
  detail::FreshModules::beside(*known_).add(bottom, bottom_of(name));
  detail::make_like_rest(*this, *bottom.module());
  add_step(name, std::move(bottom));
}

void AITMImpl::add_step(const std::string& name, Network bottom) {
  const auto key = detail::archive_key(name);
  Step step{.bottom = std::move(bottom)};
  if (!steps_.empty()) {
    step.info = torch::nn::Linear(options_.width(), options_.width());
    detail::make_like_rest(*this, *step.info);
    step.attention =
        std::dynamic_pointer_cast<detail::TransferAttention>(attention_);
    if (!step.attention) {
      step.attention = make_attention(options_);
      detail::make_like_rest(*this, *step.attention);
    }
  }
  bottoms_->register_module(key, step.bottom.module());
  known_->note(step.bottom, bottom_of(name));
  if (!steps_.empty()) {
    info_->register_module(key, step.info);
    if (options_.attention() != AITMAttention::kShared) {
      attention_->register_module(key, step.attention);
    }
  }
  steps_.push_back(std::move(step));
}

std::vector<torch::Tensor> AITMImpl::chain(
    const Inputs& inputs, size_t last) const {
  std::vector<torch::Tensor> states;
  for (size_t i = 0; i <= last; ++i) {
    const Step& step = steps_[i];
    torch::Tensor state;
    try {
      state = step.bottom.forward(inputs);
    } catch (const c10::Error&) {
      detail::rethrow_with(c10::str(
          "AITM: the bottom of task '",
          tasks()[i],
          "' cannot take an input of shape ",
          inputs,
          ": "));
    }
    TORCH_CHECK_VALUE(
        state.dim() == 2 && state.size(1) == options_.width(),
        "AITM: expected the bottom of task '",
        tasks()[i],
        "' to give [B, ",
        options_.width(),
        "], but got ",
        state.sizes(),
        ".");
    if (i > 0) {
      const torch::Tensor& before = states.back();
      torch::Tensor handed = Step(step).info->forward(
          options_.stop_gradient() ? before.detach() : before);
      handed = options_.rectified_info() ? at::relu(handed) : handed;
      state = step.attention->forward(state, handed);
    }
    states.push_back(std::move(state));
  }
  return states;
}

Inputs AITMImpl::handed(
    const std::vector<torch::Tensor>& chain, size_t task) const {
  if (!options_.hands_previous() || task == 0) {
    return chain[task];
  }
  return {{"own", chain[task]}, {"previous", chain[task - 1]}};
}

std::vector<Inputs> AITMImpl::features_for_all(
    const Inputs& inputs, int64_t tasks) {
  detail::check_all_tasks(*this, tasks);
  const size_t count = steps_.size();
  std::vector<Inputs> all;
  if (count > 0) {
    const auto states = chain(inputs, count - 1);
    for (size_t i = 0; i < count; ++i) {
      all.push_back(handed(states, i));
    }
  }
  return all;
}

Inputs AITMImpl::features_for(const Inputs& inputs, int64_t task) {
  const size_t place = detail::task_place(*this, task);
  return handed(chain(inputs, place), place);
}

bool AITMImpl::uses(size_t task, size_t step) const {
  if (!options_.stop_gradient()) {
    return step <= task;
  }
  return step == task || (options_.hands_previous() && step + 1 == task);
}

std::vector<torch::Tensor> AITMImpl::step_parameters(size_t place) const {
  const Step& step = steps_[place];
  auto all = step.bottom.module()->parameters();
  if (place > 0) {
    all = detail::joined({all, step.info->parameters()});
    if (options_.attention() != AITMAttention::kShared) {
      all = detail::joined({all, step.attention->parameters()});
    }
  }
  return all;
}

std::vector<torch::Tensor> AITMImpl::task_parameters(int64_t task) const {
  const size_t place = detail::task_place(*this, task);
  for (size_t other = 0; other < steps_.size(); ++other) {
    if (other != place && uses(other, place)) {
      return {};
    }
  }
  return step_parameters(place);
}

std::vector<torch::Tensor> AITMImpl::used_parameters(int64_t task) const {
  const size_t place = detail::task_place(*this, task);
  std::vector<std::vector<torch::Tensor>> lists;
  for (size_t step = 0; step <= place; ++step) {
    if (uses(place, step)) {
      lists.push_back(step_parameters(step));
      if (step > 0) {
        lists.push_back(steps_[step].attention->parameters());
      }
    }
  }
  return detail::joined(lists);
}

std::shared_ptr<torch::nn::Module> AITMImpl::clone(
    const std::optional<torch::Device>& device) const {
  auto copy = std::make_shared<AITMImpl>(bottom_, options_);
  for (size_t i = 0; i < steps_.size(); ++i) {
    copy->add_step(tasks()[i], steps_[i].bottom.clone(device));
  }
  detail::copy_state(*info_, *copy->info_, device);
  detail::copy_state(*attention_, *copy->attention_, device);
  copy->serve_as(*this);
  detail::complete_clone(*this, *copy);
  return copy;
}

void AITMImpl::pretty_print(std::ostream& stream) const {
  const char* const kinds[] = {"kPerStep", "kShared", "kPerItem"};
  stream << std::boolalpha << "polytask::AITM(width=" << options_.width()
         << ", attention=" << kinds[static_cast<int>(options_.attention())]
         << ", stop_gradient=" << options_.stop_gradient() << ")"
         << std::noboolalpha;
}

} // namespace polytask
