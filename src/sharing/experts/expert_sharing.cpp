// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/experts/expert_sharing.h>

#include <ATen/TensorOperators.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "core/check.h"
#include "core/tensor_sets.h"
#include "sharing/cloning.h"
#include "sharing/experts/expert_level.h"

namespace polytask {

ExpertSharing::ExpertSharing(
    const std::string& name,
    const std::vector<ExpertLevelOptions>& levels,
    const std::vector<detail::ExpertForm>& forms,
    bool own_parts_are_shared,
    double balance_weight)
    : InputsSharing("polytask::" + name),
      own_parts_are_shared_(own_parts_are_shared),
      balance_weight_(balance_weight) {
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
  }
}

ExpertSharing::ExpertSharing(
    Copy /*copy*/,
    const ExpertSharing& original,
    const std::optional<torch::Device>& device)
    : InputsSharing(original.name()),
      own_parts_are_shared_(original.own_parts_are_shared_),
      balance_weight_(original.balance_weight_) {
  const auto group = std::make_shared<torch::nn::Module>("Levels");
  register_module("levels", group);
  for (size_t i = 0; i < original.levels_.size(); ++i) {
    levels_.push_back(group->register_module(
        std::to_string(i), original.levels_[i]->copy(device)));
  }
  group->train(original.is_training());
  serve_as(original);
}

void ExpertSharing::add_task(const std::string& name) {
  // All before any of them is taken in, for one may throw.
  std::vector<detail::ExpertLevel::Taker> made;
  for (const auto& level : levels_) {
    made.push_back(level->make_task(name));
  }
  std::unordered_set<const torch::nn::Module*> known;
  const auto note = [&](const detail::ExpertLevel::Taker& taker) {
    for (const Network& expert : taker.experts) {
      TORCH_CHECK_VALUE(
          known.insert(expert.module().get()).second,
          this->name(),
          ": the function that makes an expert gave one module twice; it has "
          "to make a new one each time.");
    }
  };
  for (size_t i = 0; i < levels_.size(); ++i) {
    for (const auto& taker : levels_[i]->takers()) {
      note(taker);
    }
    note(made[i]);
  }
  for (size_t i = 0; i < levels_.size(); ++i) {
    levels_[i]->add_task(name, std::move(made[i]));
  }
}

std::vector<bool> ExpertSharing::only(int64_t task) const {
  TORCH_CHECK_INDEX(
      task >= 0 && task < static_cast<int64_t>(tasks().size()),
      name(),
      ": there is no task at place ",
      task,
      "; it serves ",
      detail::quoted(tasks()),
      ".");
  std::vector<bool> wanted(tasks().size(), false);
  wanted[static_cast<size_t>(task)] = true;
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
  TORCH_CHECK_VALUE(
      static_cast<size_t>(tasks) == this->tasks().size(),
      name(),
      ": expected to be asked for its ",
      this->tasks().size(),
      " tasks, but got ",
      tasks,
      ".");
  return states_for(inputs, std::vector<bool>(this->tasks().size(), true));
}

std::vector<Inputs> ExpertSharing::features_for_some(
    const Inputs& inputs, const std::vector<int64_t>& tasks) {
  std::vector<bool> wanted(this->tasks().size(), false);
  for (const int64_t task : tasks) {
    only(task);
    wanted[static_cast<size_t>(task)] = true;
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
  if (own_parts_are_shared_) {
    return {};
  }
  auto tasks = only(task);
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
