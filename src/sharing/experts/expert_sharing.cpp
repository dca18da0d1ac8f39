// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/experts/expert_sharing.h>

#include <ATen/TensorOperators.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/tensor_sets.h"
#include "sharing/cloning.h"
#include "sharing/experts/expert_level.h"
#include "sharing/fresh_modules.h"
#include "sharing/task_places.h"

namespace polytask {

ExpertSharing::ExpertSharing(
    const std::string& name,
    const std::vector<ExpertLevelOptions>& levels,
    const std::vector<detail::ExpertForm>& forms,
    bool own_parts_are_shared,
    double balance_weight)
    : InputsSharing("polytask::" + name),
      own_parts_are_shared_(own_parts_are_shared),
      balance_weight_(balance_weight),
      known_(std::make_shared<detail::FreshModules>(name)) {
  TORCH_CHECK_VALUE(
      !levels.empty(), name, ": expected at least one level of experts.");
  const auto group = std::make_shared<torch::nn::Module>("Levels");
  register_module("levels", group);
  for (size_t i = 1; i < levels.size(); ++i) {
    const bool reads_shared = forms[i].adds_shared_state ||
        (!forms[i].shared_read_tasks &&
         levels[i].shared_experts().value_or(1) > 0);
    TORCH_CHECK_VALUE(
        !reads_shared || levels[i - 1].shared_experts().value_or(1) > 0,
        name,
        ": level ",
        i,
        " reads the shared state, but level ",
        i - 1,
        " has no shared experts, whose gate would make it.");
  }
  for (size_t i = 0; i < levels.size(); ++i) {
    levels_.push_back(group->register_module(
        std::to_string(i),
        std::make_shared<detail::ExpertLevel>(levels[i], forms[i])));
    const auto& shared = levels_[i]->takers().back().experts;
    for (size_t e = 0; e < shared.size(); ++e) {
      known_->add(shared[e], detail::ExpertLevel::called(e, i, {}));
    }
  }
}

ExpertSharing::ExpertSharing(
    Copy /*copy*/,
    const ExpertSharing& original,
    const std::optional<torch::Device>& device)
    : InputsSharing(original.name()),
      own_parts_are_shared_(original.own_parts_are_shared_),
      balance_weight_(original.balance_weight_),
      known_(std::make_shared<detail::FreshModules>(
          original.levels_[0]->form().name)) {
  const auto group = std::make_shared<torch::nn::Module>("Levels");
  register_module("levels", group);
  for (size_t i = 0; i < original.levels_.size(); ++i) {
    levels_.push_back(group->register_module(
        std::to_string(i), original.levels_[i]->copy(device)));
    const auto& takers = levels_[i]->takers();
    for (size_t t = 0; t < takers.size(); ++t) {
      const auto task = t < original.tasks().size()
          ? std::optional(original.tasks()[t])
          : std::nullopt;
      for (size_t e = 0; e < takers[t].experts.size(); ++e) {
        known_->note(
            takers[t].experts[e], detail::ExpertLevel::called(e, i, task));
      }
    }
  }
  group->train(original.is_training());
  serve_as(original);
}

void ExpertSharing::add_task(const std::string& name) {
  add_task_with(name, detail::FreshModules::beside(*known_));
}

void ExpertSharing::add_task_with(
    const std::string& name, detail::FreshModules made) {
  // All before any of them is taken in, for one may throw.
  std::vector<detail::ExpertLevel::Taker> takers;
  for (size_t i = 0; i < levels_.size(); ++i) {
    takers.push_back(levels_[i]->make_task(name));
    const auto& experts = takers.back().experts;
    for (size_t e = 0; e < experts.size(); ++e) {
      made.add(experts[e], detail::ExpertLevel::called(e, i, name));
    }
  }
  for (size_t i = 0; i < levels_.size(); ++i) {
    levels_[i]->add_task(name, std::move(takers[i]));
  }
  known_->take(std::move(made));
}

std::vector<bool> ExpertSharing::only(int64_t task) const {
  std::vector<bool> wanted(tasks().size(), false);
  wanted[detail::task_place(*this, task)] = true;
  return wanted;
}

// Of the first level, of the one above it, ... and the features.
std::vector<std::vector<bool>> ExpertSharing::wanted_states(
    const std::vector<bool>& tasks, bool alone_learning) const {
  std::vector<std::vector<bool>> wanted(levels_.size() + 1);
  wanted.back() = tasks;
  wanted.back().push_back(false);
  for (size_t i = levels_.size(); i-- > 0;) {
    wanted[i] = levels_[i]->sources(wanted[i + 1], alone_learning);
  }
  return wanted;
}

// Numbers of experts for tasks that there are not.
void ExpertSharing::check_names() const {
  for (const auto& level : levels_) {
    for (const auto& [task, count] : level->options().task_experts_of()) {
      TORCH_CHECK_VALUE(
          std::find(tasks().begin(), tasks().end(), task) != tasks().end(),
          name(),
          ": task_experts_of names the task '",
          task,
          "', but there is ",
          detail::quoted(tasks()),
          ".");
    }
  }
}

std::vector<Inputs> ExpertSharing::first_states(
    const Inputs& inputs, const std::vector<bool>& wanted) {
  return std::vector<Inputs>(wanted.size(), inputs);
}

std::vector<torch::Tensor> ExpertSharing::first_parameters(
    const std::vector<bool>& /*wanted*/) const {
  return {};
}

std::vector<Inputs> ExpertSharing::states_for(
    const Inputs& inputs, const std::vector<bool>& tasks) {
  check_names();
  const auto wanted = wanted_states(tasks);
  auto states = first_states(inputs, wanted[0]);
  for (size_t i = 0; i < levels_.size(); ++i) {
    states = levels_[i]->forward(states, wanted[i + 1]);
  }
  states.pop_back();
  return states;
}

std::vector<Inputs> ExpertSharing::features_for_all(
    const Inputs& inputs, int64_t tasks) {
  detail::check_all_tasks(*this, tasks);
  return states_for(inputs, std::vector<bool>(this->tasks().size(), true));
}

std::vector<Inputs> ExpertSharing::features_for_some(
    const Inputs& inputs, const std::vector<int64_t>& tasks) {
  std::vector<bool> wanted(this->tasks().size(), false);
  for (const int64_t task : tasks) {
    wanted[detail::task_place(*this, task)] = true;
  }
  const auto states = states_for(inputs, wanted);
  std::vector<Inputs> some;
  for (const int64_t task : tasks) {
    some.push_back(states[static_cast<size_t>(task)]);
  }
  return some;
}

Inputs ExpertSharing::features_for(const Inputs& inputs, int64_t task) {
  return states_for(inputs, only(task))[static_cast<size_t>(task)];
}

std::vector<torch::Tensor> ExpertSharing::used_by(
    const std::vector<bool>& tasks) const {
  const auto wanted = wanted_states(tasks, /*alone_learning=*/true);
  auto all = first_parameters(wanted[0]);
  for (size_t i = 0; i < levels_.size(); ++i) {
    const auto own = levels_[i]->used_parameters(wanted[i + 1]);
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

std::vector<torch::Tensor> ExpertSharing::used_parameters(int64_t task) const {
  return used_by(only(task));
}

std::vector<torch::Tensor> ExpertSharing::task_parameters(int64_t task) const {
  auto tasks = only(task);
  if (own_parts_are_shared_) {
    return {};
  }
  const auto own = used_by(tasks);
  tasks.flip();
  auto others = used_by(tasks);
  // With a single task, too.
  for (const auto& level : levels_) {
    const auto shared = level->shared_parameters();
    others.insert(others.end(), shared.begin(), shared.end());
  }
  return detail::without(own, others);
}

torch::Tensor ExpertSharing::own_loss(c10::ArrayRef<int64_t> tasks) {
  for (const int64_t task : tasks) {
    detail::task_place(*this, task);
  }
  torch::Tensor sum;
  const auto add = [&](const torch::Tensor& term) {
    if (term.defined()) {
      sum = sum.defined() ? sum + term : term;
    }
  };
  for (const auto& level : levels_) {
    add(level->take_loss(tasks));
    const torch::Tensor imbalance = level->take_imbalance(tasks);
    add(imbalance.defined() ? imbalance * balance_weight_ : imbalance);
  }
  return sum;
}

std::vector<MixingWeights> ExpertSharing::mixing_weights() const {
  std::vector<MixingWeights> all;
  for (size_t i = 0; i < levels_.size(); ++i) {
    all.push_back(
        levels_[i]->mixing_weights("levels." + std::to_string(i), tasks()));
  }
  return all;
}

void ExpertSharing::pretty_print(std::ostream& stream) const {
  stream << name() << "()";
}

} // namespace polytask
