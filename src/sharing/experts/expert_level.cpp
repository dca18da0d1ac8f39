// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/experts/expert_level.h"

#include <ATen/TensorOperators.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/archive_key.h"
#include "sharing/cloning.h"
#include "sharing/like_rest.h"

namespace polytask::detail {

namespace {

std::shared_ptr<torch::nn::Module> group_of_modules(const char* name) {
  return std::make_shared<torch::nn::Module>(name);
}

void register_experts(
    torch::nn::Module& group, const std::vector<Network>& experts) {
  for (size_t i = 0; i < experts.size(); ++i) {
    group.register_module(std::to_string(i), experts[i].module());
  }
}

void append_parameters(
    const torch::nn::Module& module, std::vector<torch::Tensor>& all) {
  const auto own = module.parameters();
  all.insert(all.end(), own.begin(), own.end());
}

} // namespace

ExpertLevel::ExpertLevel(ExpertLevelOptions options, ExpertForm form)
    : Module("polytask::ExpertLevel"),
      options_(std::move(options)),
      form_(std::move(form)),
      shared_experts_(group_of_modules("SharedExperts")),
      task_experts_(group_of_modules("TaskExperts")),
      gates_(group_of_modules("Gates")),
      own_weights_(group_of_modules("OwnWeights")),
      takers_(1) {
  register_module("shared_experts", shared_experts_);
  register_module("task_experts", task_experts_);
  register_module("gates", gates_);
  register_module("own_weights", own_weights_);
  Taker& shared = takers_.back();
  const int64_t count = options_.shared_experts().value_or(1);
  shared.experts = make_experts(count);
  register_experts(*shared_experts_, shared.experts);
  if (form_.has_shared_gate && count > 0) {
    shared.gate = register_module("shared_gate", make_gate(count));
    if (form_.adds_own && learns_own_weights()) {
      shared.own_weights =
          register_parameter("shared_own_weights", make_own_weights(count));
    }
  }
}

std::vector<Network> ExpertLevel::make_experts(int64_t count) const {
  TORCH_CHECK_VALUE(
      count >= 0,
      form_.name,
      ": expected a number of experts of at least 0, but got ",
      count,
      ".");
  std::vector<Network> experts;
  for (int64_t i = 0; i < count; ++i) {
    experts.push_back(options_.expert()());
    make_like_rest(*this, *experts.back().module());
  }
  return experts;
}

std::string ExpertLevel::called(
    size_t expert, size_t level, const std::optional<std::string>& task) {
  return c10::str(
      task ? "expert " : "shared expert ",
      expert,
      task ? " of task '" + *task + "'" : std::string(),
      " in level ",
      level);
}

int64_t ExpertLevel::own_experts(const std::string& task) const {
  const auto found = options_.task_experts_of().find(task);
  return found == options_.task_experts_of().end() ? options_.task_experts()
                                                   : found->second;
}

// Where everyone has one, there is nothing to weigh.
bool ExpertLevel::learns_own_weights() const {
  const auto is_one = [](const auto& entry) { return entry.second == 1; };
  return options_.task_experts() != 1 ||
      !std::ranges::all_of(options_.task_experts_of(), is_one) ||
      options_.shared_experts().value_or(1) > 1;
}

torch::Tensor ExpertLevel::make_own_weights(int64_t count) const {
  const double bound = 1 / std::sqrt(static_cast<double>(count));
  torch::Tensor weights = torch::empty({count}).uniform_(-bound, bound);
  const torch::Tensor like = first_floating(*this);
  return like.defined() ? weights.to(like.options().requires_grad(false))
                        : weights;
}

std::shared_ptr<Gate> ExpertLevel::make_gate(int64_t experts) const {
  auto gate = form_.gate ? form_.gate(experts)
                         : std::make_shared<SoftmaxGate>(
                               GateForm{
                                   options_.in_features(),
                                   options_.gate_hidden(),
                                   options_.gate_bias()},
                               experts);
  make_like_rest(*this, *gate);
  return gate;
}

ExpertLevel::Taker ExpertLevel::make_task(const std::string& name) const {
  Taker own;
  own.experts = make_experts(own_experts(name));
  const auto added = static_cast<int64_t>(own.experts.size());
  const size_t place = takers_.size() - 1;
  int64_t mixed = added + static_cast<int64_t>(takers_.back().experts.size());
  for (size_t t = 0; form_.mixes_all && t < place; ++t) {
    mixed += static_cast<int64_t>(takers_[t].experts.size());
  }
  TORCH_CHECK_VALUE(
      mixed > 0,
      form_.name,
      ": task '",
      name,
      "' has no expert at all, neither of its own nor shared.");
  own.gate = make_gate(mixed);
  if (form_.adds_own && learns_own_weights()) {
    own.own_weights = make_own_weights(added);
  }
  return own;
}

void ExpertLevel::add_task(const std::string& name, Taker own) {
  const std::string key = archive_key(name);
  grow_gates(static_cast<int64_t>(own.experts.size()));
  const auto group = group_of_modules("Experts");
  register_experts(*group, own.experts);
  group->train(is_training());
  task_experts_->register_module(key, group);
  gates_->register_module(key, own.gate);
  if (own.own_weights.defined()) {
    own.own_weights = own_weights_->register_parameter(key, own.own_weights);
  }
  names_.push_back(name);
  takers_.insert(takers_.end() - 1, std::move(own));
}

// Those over the experts of all tasks. New ones stand behind the tasks' and
// before the shared.
void ExpertLevel::grow_gates(int64_t added) {
  int64_t before = 0;
  for (size_t t = 0; t + 1 < takers_.size(); ++t) {
    before += static_cast<int64_t>(takers_[t].experts.size());
  }
  if (added == 0) {
    return;
  }
  for (size_t t = 0; t < takers_.size(); ++t) {
    Taker& taker = takers_[t];
    const bool is_shared = t + 1 == takers_.size();
    if (!taker.gate || !(is_shared || form_.mixes_all)) {
      continue;
    }
    taker.gate = taker.gate->with_more(before, added);
    if (is_shared) {
      replace_module("shared_gate", taker.gate);
    } else {
      gates_->replace_module(archive_key(names_[t]), taker.gate);
    }
  }
}

std::vector<ExpertLevel::Place> ExpertLevel::mixed_by(size_t taker) const {
  std::vector<Place> places;
  const size_t shared = takers_.size() - 1;
  const auto add = [&](size_t whose) {
    for (size_t e = 0; e < takers_[whose].experts.size(); ++e) {
      places.push_back({whose, e});
    }
  };
  if (form_.mixes_all || taker == shared) {
    for (size_t t = 0; t < takers_.size(); ++t) {
      add(t);
    }
  } else {
    add(form_.shared_first ? shared : taker);
    add(form_.shared_first ? taker : shared);
  }
  return places;
}

ExpertLevel::Wanted ExpertLevel::sources(
    const Wanted& wanted, bool alone_learning) const {
  Wanted below(wanted.size(), false);
  const size_t shared = wanted.size() - 1;
  for (size_t t = 0; t < wanted.size(); ++t) {
    if (!wanted[t]) {
      continue;
    }
    below[t] = true;
    below[shared] = below[shared] || form_.adds_shared_state;
    for (const Place& place : mixed_by(t)) {
      if (alone_learning && stops(t, place)) {
        continue;
      }
      const bool reads_task = form_.shared_read_tasks && place.taker == shared;
      below[reads_task ? t : place.taker] = true;
    }
  }
  return below;
}

std::vector<torch::Tensor> ExpertLevel::used_parameters(
    const Wanted& wanted) const {
  std::vector<std::vector<bool>> is_used(takers_.size());
  for (size_t t = 0; t < takers_.size(); ++t) {
    is_used[t].resize(takers_[t].experts.size(), false);
  }
  std::vector<torch::Tensor> all;
  for (size_t t = 0; t < takers_.size(); ++t) {
    if (!wanted[t]) {
      continue;
    }
    for (const Place& place : mixed_by(t)) {
      if (!stops(t, place)) {
        is_used[place.taker][place.expert] = true;
      }
    }
    append_parameters(*takers_[t].gate, all);
    if (takers_[t].own_weights.defined()) {
      all.push_back(takers_[t].own_weights);
    }
  }
  for (size_t t = 0; t < takers_.size(); ++t) {
    for (size_t e = 0; e < takers_[t].experts.size(); ++e) {
      if (is_used[t][e]) {
        append_parameters(*takers_[t].experts[e].module(), all);
      }
    }
  }
  return all;
}

std::vector<torch::Tensor> ExpertLevel::shared_parameters() const {
  std::vector<torch::Tensor> all;
  const Taker& shared = takers_.back();
  append_parameters(*shared_experts_, all);
  if (shared.gate) {
    append_parameters(*shared.gate, all);
  }
  if (shared.own_weights.defined()) {
    all.push_back(shared.own_weights);
  }
  return all;
}

std::shared_ptr<ExpertLevel> ExpertLevel::copy(
    const std::optional<torch::Device>& device) const {
  ExpertLevelOptions empty = options_;
  empty.shared_experts(0);
  auto made = std::make_shared<ExpertLevel>(empty, form_);
  made->options_ = options_;
  made->names_ = names_;
  made->takers_.clear();
  const auto on_device = [&](const torch::Tensor& tensor) {
    const torch::Tensor own = tensor.detach().clone();
    return device ? own.to(*device) : own;
  };
  for (size_t t = 0; t < takers_.size(); ++t) {
    const bool is_shared = t + 1 == takers_.size();
    const std::string key = is_shared ? "" : archive_key(names_[t]);
    Taker own;
    for (const Network& expert : takers_[t].experts) {
      own.experts.push_back(expert.clone(device));
    }
    if (is_shared) {
      register_experts(*made->shared_experts_, own.experts);
    } else {
      const auto group = group_of_modules("Experts");
      register_experts(*group, own.experts);
      made->task_experts_->register_module(key, group);
    }
    if (takers_[t].gate) {
      own.gate = takers_[t].gate->copy(device);
      (is_shared ? static_cast<torch::nn::Module&>(*made) : *made->gates_)
          .register_module(is_shared ? "shared_gate" : key, own.gate);
    }
    if (takers_[t].own_weights.defined()) {
      own.own_weights = (is_shared ? static_cast<torch::nn::Module&>(*made)
                                   : *made->own_weights_)
                            .register_parameter(
                                is_shared ? "shared_own_weights" : key,
                                on_device(takers_[t].own_weights));
    }
    made->takers_.push_back(std::move(own));
  }
  complete_clone(*this, *made);
  return made;
}

} // namespace polytask::detail
