// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/model/multi_task_model.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "core/check.h"
#include "core/tensor_sets.h"

#include "heads.h"
#include "wide_start.h"

namespace polytask {

MultiTaskModelImpl::MultiTaskModelImpl()
    : MultiTaskModelImpl(std::make_shared<NoSharingImpl>()) {}

MultiTaskModelImpl::MultiTaskModelImpl(std::shared_ptr<Sharing> sharing)
    : torch::nn::Module("polytask::MultiTaskModel"),
      sharing_(std::move(sharing)),
      heads_(std::make_shared<detail::Heads>()) {
  TORCH_CHECK_VALUE(
      sharing_ != nullptr, "MultiTaskModel: the sharing is empty.");
  register_module("sharing", sharing_);
  register_module("tasks", heads_);
}

Task& MultiTaskModelImpl::add_task(const std::string& name, Task task) {
  TORCH_CHECK_VALUE(!name.empty(), "MultiTaskModel: a task needs a name.");
  TORCH_CHECK_VALUE(
      name.find('.') == std::string::npos,
      "MultiTaskModel: the task name '",
      name,
      "' has a dot, which LibTorch keeps for the names of submodules.");
  TORCH_CHECK_VALUE(
      !has_task(name), "MultiTaskModel: there is a task '", name, "' already.");
  detail::warn_of_wide_start(*sharing_, task.head());
  sharing_->serve_at(names_.size(), name);
  heads_->register_module(name, task.head().module());
  places_.emplace(name, size());
  names_.push_back(name);
  tasks_.push_back(std::move(task));
  ++structure_version_;
  return tasks_.back();
}

Task& MultiTaskModelImpl::replace_task(const std::string& name, Task task) {
  const auto place = static_cast<size_t>(index(name));
  detail::warn_of_wide_start(*sharing_, task.head());
  heads_->replace_module(name, task.head().module());
  tasks_[place] = std::move(task);
  ++structure_version_;
  return tasks_[place];
}

Task& MultiTaskModelImpl::replace_head(const std::string& name, Network head) {
  return replace_task(name, task(name).with_head(std::move(head)));
}

void MultiTaskModelImpl::replace_sharing(std::shared_ptr<Sharing> sharing) {
  TORCH_CHECK_VALUE(
      sharing != nullptr, "MultiTaskModel: the sharing is empty.");
  sharing->serve(names_);
  replace_module("sharing", sharing);
  sharing_ = std::move(sharing);
  ++structure_version_;
}

torch::OrderedDict<std::string, torch::Tensor> MultiTaskModelImpl::forward(
    const Inputs& input) {
  const auto all = features(input);
  torch::OrderedDict<std::string, torch::Tensor> outputs("Task");
  outputs.reserve(names_.size());
  for (size_t i = 0; i < names_.size(); ++i) {
    outputs.insert(names_[i], output(i, all[i]));
  }
  return outputs;
}

torch::Tensor MultiTaskModelImpl::forward_task(
    const Inputs& input, const std::string& name) {
  const int64_t place = index(name);
  return output(static_cast<size_t>(place), features_of(input, place));
}

std::vector<Inputs> MultiTaskModelImpl::features(const Inputs& input) const {
  auto all = sharing_->features_for_all(input, size());
  TORCH_CHECK_VALUE(
      all.size() == names_.size(),
      "Sharing '",
      sharing_->name(),
      "': expected features for each of the ",
      size(),
      " tasks, but got ",
      all.size(),
      ".");
  for (size_t i = 0; i < all.size(); ++i) {
    check_features(all[i], i);
  }
  return all;
}

Inputs MultiTaskModelImpl::features_of(
    const Inputs& input, int64_t index) const {
  Inputs own = sharing_->features_for(input, index);
  check_features(own, static_cast<size_t>(index));
  return own;
}

std::vector<Inputs> MultiTaskModelImpl::features_of_some(
    const Inputs& input, const std::vector<int64_t>& tasks) const {
  if (tasks.size() == names_.size()) {
    return features(input); // of all, since none comes twice
  }
  auto some = sharing_->features_for_some(input, tasks);
  TORCH_CHECK_VALUE(
      some.size() == tasks.size(),
      "Sharing '",
      sharing_->name(),
      "': expected features for each of ",
      tasks.size(),
      " tasks, but got ",
      some.size(),
      ".");
  for (size_t i = 0; i < some.size(); ++i) {
    check_features(some[i], static_cast<size_t>(tasks[i]));
  }
  return some;
}

void MultiTaskModelImpl::check_features(
    const Inputs& features, size_t index) const {
  TORCH_CHECK_VALUE(
      !features.is_tensor() || features.tensor().defined(),
      "Sharing '",
      sharing_->name(),
      "': the features of task '",
      names_[index],
      "' are undefined.");
}

int64_t MultiTaskModelImpl::index(const std::string& name) const {
  const auto found = places_.find(name);
  TORCH_CHECK_VALUE(
      found != places_.end(),
      "MultiTaskModel: there is no task '",
      name,
      "'; there is ",
      detail::quoted(names_),
      ".");
  return found->second;
}

bool MultiTaskModelImpl::has_task(const std::string& name) const {
  return places_.contains(name);
}

Task& MultiTaskModelImpl::task(const std::string& name) {
  return task(index(name));
}

const Task& MultiTaskModelImpl::task(const std::string& name) const {
  return task(index(name));
}

Task& MultiTaskModelImpl::task(int64_t index) {
  return const_cast<Task&>(std::as_const(*this).task(index));
}

const Task& MultiTaskModelImpl::task(int64_t index) const {
  TORCH_CHECK_INDEX(
      index >= 0 && index < size(),
      "MultiTaskModel: there is no task at place ",
      index,
      "; places count from 0 in ",
      detail::quoted(names_),
      ".");
  return tasks_[static_cast<size_t>(index)];
}

std::vector<torch::Tensor> MultiTaskModelImpl::head_parameters(
    size_t index) const {
  auto own = sharing_->task_parameters(static_cast<int64_t>(index));
  const auto head = tasks_[index].head().module()->parameters();
  own.insert(own.end(), head.begin(), head.end());
  return detail::unique_tensors(own);
}

void MultiTaskModelImpl::collect_tied(std::vector<torch::Tensor>& tied) const {
  std::unordered_map<const c10::TensorImpl*, int> uses;
  for (size_t i = 0; i < tasks_.size(); ++i) {
    for (const auto& parameter : head_parameters(i)) {
      if (++uses[parameter.unsafeGetTensorImpl()] == 2) {
        tied.push_back(parameter);
      }
    }
  }
}

std::vector<torch::Tensor> MultiTaskModelImpl::shared_parameters() const {
  std::vector<torch::Tensor> gates;
  for (int64_t i = 0; i < size(); ++i) {
    const auto own = sharing_->task_parameters(i);
    gates.insert(gates.end(), own.begin(), own.end());
  }
  auto shared = detail::without(sharing_->parameters(), gates);
  collect_tied(shared);
  return detail::unique_tensors(shared);
}

std::vector<torch::Tensor> MultiTaskModelImpl::task_parameters(
    const std::string& name) const {
  const auto place = static_cast<size_t>(index(name));
  return detail::without(head_parameters(place), shared_parameters());
}

std::vector<std::vector<torch::Tensor>> MultiTaskModelImpl::parameters_by_task()
    const {
  const detail::TensorSet shared(shared_parameters());
  std::vector<std::vector<torch::Tensor>> all;
  all.reserve(tasks_.size());
  for (size_t i = 0; i < tasks_.size(); ++i) {
    all.push_back(head_parameters(i));
    std::erase_if(all.back(), [&](const auto& own) { return shared.has(own); });
  }
  return all;
}

std::vector<torch::Tensor> MultiTaskModelImpl::unique_parameters() const {
  auto all = shared_parameters();
  for (size_t i = 0; i < tasks_.size(); ++i) {
    const auto own = head_parameters(i);
    all.insert(all.end(), own.begin(), own.end());
  }
  return detail::unique_tensors(all);
}

torch::Tensor MultiTaskModelImpl::output(
    size_t index, const Inputs& features) const {
  try {
    return tasks_[index].forward(features);
  } catch (const c10::Error&) {
    detail::rethrow_with(c10::str(
        "Task '",
        names_[index],
        "': the head cannot take features of shape ",
        features,
        ": "));
  }
}

void MultiTaskModelImpl::freeze(const std::string& name, bool frozen) {
  for (auto& parameter : task_parameters(name)) {
    parameter.requires_grad_(!frozen);
  }
}

torch::Tensor MultiTaskModelImpl::loss(
    int64_t index, const Inputs& features, const Labels& labels) const {
  const Task& own = task(index);
  const auto scores = output(static_cast<size_t>(index), features);
  try {
    return own.loss()(scores, labels);
  } catch (const c10::Error&) {
    detail::rethrow_with(
        c10::str("Task '", names_[static_cast<size_t>(index)], "': "));
  }
}

} // namespace polytask
