// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/sharing.h>

#include <c10/util/Exception.h>

#include <algorithm>

#include "core/check.h"
#include "sharing/task_places.h"

namespace polytask {

void Sharing::refuse_unwritten() const {
  TORCH_CHECK_VALUE(
      false,
      "Sharing '",
      name(),
      "': expected it to override features and features_of, which take a "
      "tensor, or features_for_all and features_for, which take Inputs.");
}

const torch::Tensor& Sharing::only_tensor(const Inputs& inputs) const {
  TORCH_CHECK_VALUE(
      inputs.is_tensor(),
      "Sharing '",
      name(),
      "' takes one tensor, but there are ",
      detail::quoted(inputs.names()),
      "; override features_for_all and features_for to take them.");
  return inputs.tensor();
}

std::vector<torch::Tensor> Sharing::features(
    const torch::Tensor& /*input*/, int64_t /*tasks*/) {
  refuse_unwritten();
}

torch::Tensor Sharing::features_of(
    const torch::Tensor& /*input*/, int64_t /*task*/) {
  refuse_unwritten();
}

std::vector<Inputs> Sharing::features_for_all(
    const Inputs& inputs, int64_t tasks) {
  const auto all = features(only_tensor(inputs), tasks);
  return {all.begin(), all.end()};
}

Inputs Sharing::features_for(const Inputs& inputs, int64_t task) {
  return features_of(only_tensor(inputs), task);
}

std::vector<Inputs> Sharing::features_for_some(
    const Inputs& inputs, const std::vector<int64_t>& tasks) {
  for (const int64_t task : tasks) {
    detail::task_place(*this, task);
  }
  const auto all =
      features_for_all(inputs, static_cast<int64_t>(tasks_.size()));
  TORCH_CHECK_VALUE(
      all.size() == tasks_.size(),
      "Sharing '",
      name(),
      "': expected features for each of the ",
      tasks_.size(),
      " tasks, but got ",
      all.size(),
      ".");
  std::vector<Inputs> some;
  for (const int64_t task : tasks) {
    some.push_back(all[static_cast<size_t>(task)]);
  }
  return some;
}

void Sharing::serve(const std::vector<std::string>& tasks) {
  TORCH_CHECK_VALUE(
      tasks.size() >= tasks_.size() &&
          std::equal(tasks_.begin(), tasks_.end(), tasks.begin()),
      "Sharing '",
      name(),
      "': it serves the tasks ",
      detail::quoted(tasks_),
      ", but should now serve ",
      detail::quoted(tasks),
      ".");
  for (size_t i = tasks_.size(); i < tasks.size(); ++i) {
    serve_at(i, tasks[i]);
  }
}

void Sharing::serve_at(size_t place, const std::string& name) {
  if (place == tasks_.size()) {
    add_task(name);
    tasks_.push_back(name);
    return;
  }
  TORCH_CHECK_VALUE(
      place < tasks_.size() && tasks_[place] == name,
      "Sharing '",
      this->name(),
      "': it serves the tasks ",
      detail::quoted(tasks_),
      ", so task ",
      place,
      " cannot be '",
      name,
      "'.");
}

std::shared_ptr<Sharing> Sharing::clone_of(
    const Sharing& inner, const std::optional<torch::Device>& device) {
  auto copy = std::dynamic_pointer_cast<Sharing>(inner.clone(device));
  TORCH_CHECK(
      copy != nullptr, "the clone of '", inner.name(), "' is no Sharing.");
  copy->serve_as(inner);
  return copy;
}

void Sharing::add_task(const std::string& /*name*/) {}

std::vector<torch::Tensor> Sharing::task_parameters(int64_t task) const {
  detail::check_any_place(*this, task);
  return {};
}

std::vector<torch::Tensor> Sharing::used_parameters(int64_t task) const {
  detail::check_any_place(*this, task);
  return parameters();
}

torch::Tensor Sharing::own_loss(c10::ArrayRef<int64_t> /*tasks*/) {
  return {};
}

std::vector<MixingWeights> Sharing::mixing_weights() const {
  return {};
}

} // namespace polytask
