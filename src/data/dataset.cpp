// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/dataset.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "core/check.h"

#include "rows.h"

namespace polytask::data {

Dataset::Dataset(Inputs inputs, Batch::Targets targets)
    : inputs_(std::move(inputs)), targets_(std::move(targets)) {
  // Several tensors were looked at when they were put together.
  const bool defined = !inputs_.is_tensor() || inputs_.tensor().defined();
  TORCH_CHECK_VALUE(
      defined && (!inputs_.is_tensor() || inputs_.tensor().dim() >= 1),
      "Dataset: expected an input of shape [n, ...], but got ",
      defined ? "a scalar" : "an undefined tensor",
      ".");
  TORCH_CHECK_VALUE(!targets_.empty(), "Dataset: it has no task.");
  std::unordered_set<std::string> seen;
  for (const auto& [task, target] : targets_) {
    TORCH_CHECK_VALUE(
        seen.insert(task).second,
        "Dataset: task '",
        task,
        "' comes more than once.");
    TORCH_CHECK_VALUE(
        target.defined(),
        "Dataset: the target of task '",
        task,
        "' is undefined.");
    TORCH_CHECK_VALUE(
        target.dim() >= 1 && target.size(0) == size(),
        "Dataset: task '",
        task,
        "': expected a target with ",
        size(),
        " rows, as the input has, but got shape ",
        target.sizes(),
        ".");
    TORCH_CHECK_VALUE(
        target.device() == device(),
        "Dataset: task '",
        task,
        "': the input is on ",
        device(),
        " and the target on ",
        target.device(),
        ".");
  }
}

std::vector<std::string> Dataset::tasks() const {
  std::vector<std::string> names;
  names.reserve(targets_.size());
  for (const auto& entry : targets_) {
    names.push_back(entry.first);
  }
  return names;
}

bool Dataset::has(const std::string& task) const {
  return std::any_of(targets_.begin(), targets_.end(), [&](const auto& entry) {
    return entry.first == task;
  });
}

const at::Tensor& Dataset::target(const std::string& task) const {
  for (const auto& [name, target] : targets_) {
    if (name == task) {
      return target;
    }
  }
  TORCH_CHECK_VALUE(
      false,
      "Dataset: it has no task '",
      task,
      "'; it has ",
      detail::quoted(tasks()),
      ".");
}

Dataset Dataset::with_weights(const Batch::Targets& weights) const {
  Dataset weighted = *this;
  std::unordered_set<std::string> seen;
  for (const auto& [task, values] : weights) {
    TORCH_CHECK_VALUE(
        seen.insert(task).second,
        "Dataset: the weights of task '",
        task,
        "' come more than once.");
    TORCH_CHECK_VALUE(
        values.defined(),
        "Dataset: the weights of task '",
        task,
        "' are undefined.");
    at::Tensor checked;
    try {
      checked = Labels::complete(target(task)).with_weights(values).weights();
    } catch (const c10::Error&) {
      detail::rethrow_with("Dataset: task '" + task + "': ");
    }
    std::erase_if(weighted.weights_, [&](const auto& entry) {
      return entry.first == task;
    });
    weighted.weights_.emplace_back(task, std::move(checked));
  }
  return weighted;
}

Dataset Dataset::select(const at::Tensor& index) const {
  detail::check_row_index("Dataset", index, size());
  const at::Tensor rows = index.to(device());
  return mapped(
      [&](const at::Tensor& values) { return values.index_select(0, rows); });
}

Dataset Dataset::to(const at::Device& device) const {
  return mapped([&](const at::Tensor& values) { return values.to(device); });
}

Batch Dataset::batch(BatchOptions options) const {
  const Batch batch(inputs_, targets_, options);
  return weights_.empty() ? batch : batch.with_weights(weights_);
}

} // namespace polytask::data
