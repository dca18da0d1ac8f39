// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/stage_columns.h"

#include <ATen/ops/stack.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <utility>

#include "core/archive_key.h"
#include "core/check.h"
#include "sharing/like_rest.h"

namespace polytask::detail {

namespace {

class ColumnModule : public torch::nn::Module {
 public:
  explicit ColumnModule(const std::vector<Network>& stages)
      : Module("polytask::Column") {
    for (size_t i = 0; i < stages.size(); ++i) {
      register_module(std::to_string(i), stages[i].module());
    }
  }
};

} // namespace

StageColumns::StageColumns(std::string owner, StageFactories factories)
    : Module("polytask::Columns"),
      owner_(std::move(owner)),
      factories_(std::move(factories)),
      known_(owner_) {
  TORCH_CHECK_VALUE(
      !factories_.empty(), owner_, ": expected at least one stage, got none.");
  for (size_t i = 0; i < factories_.size(); ++i) {
    TORCH_CHECK_VALUE(
        factories_[i], owner_, ": the factory of ", called(i), " is empty.");
  }
}

StageColumns::StageColumns(std::string owner, std::function<Network()> factory)
    : Module("polytask::Trunks"),
      owner_(std::move(owner)),
      are_trunks_(true),
      factories_{std::move(factory)},
      known_(owner_) {
  TORCH_CHECK_VALUE(
      factories_[0], owner_, ": the factory of ", called(0), " is empty.");
}

std::string StageColumns::called(size_t stage) const {
  return are_trunks_ ? "the trunk" : "stage " + std::to_string(stage);
}

std::string StageColumns::called(size_t stage, const std::string& task) const {
  return called(stage) + " of task '" + task + "'";
}

std::vector<Network> StageColumns::make(const std::string& task) const {
  TORCH_CHECK_VALUE(
      std::find(names_.begin(), names_.end(), task) == names_.end(),
      owner_,
      ": there is a task '",
      task,
      "' already.");
  std::vector<Network> column;
  column.reserve(factories_.size());
  auto made = FreshModules::beside(known_);
  for (size_t i = 0; i < factories_.size(); ++i) {
    column.push_back(factories_[i]());
    made.add(column.back(), called(i, task));
  }
  return column;
}

void StageColumns::add(const std::string& task, std::vector<Network> column) {
  if (are_trunks_) {
    register_module(archive_key(task), column[0].module());
  } else {
    const auto module = register_module(
        archive_key(task), std::make_shared<ColumnModule>(column));
    if (!is_training()) {
      module->eval();
    }
  }
  for (size_t i = 0; i < column.size(); ++i) {
    known_.note(column[i], called(i, task));
  }
  names_.push_back(task);
  columns_.push_back(std::move(column));
}

torch::TensorOptions StageColumns::options_with(
    const std::vector<Network>& column) const {
  torch::Tensor found = first_floating(*this);
  for (size_t i = 0; i < column.size() && !found.defined(); ++i) {
    found = first_floating(*column[i].module());
  }
  return found.defined() ? found.options().requires_grad(false)
                         : torch::TensorOptions(torch::get_default_dtype());
}

std::shared_ptr<StageColumns> StageColumns::copy(
    const std::optional<torch::Device>& device) const {
  auto copy = are_trunks_
      ? std::make_shared<StageColumns>(owner_, factories_[0])
      : std::make_shared<StageColumns>(owner_, factories_);
  for (size_t t = 0; t < columns_.size(); ++t) {
    std::vector<Network> column;
    for (const auto& stage : columns_[t]) {
      column.push_back(stage.clone(device));
    }
    copy->add(names_[t], std::move(column));
  }
  return copy;
}

torch::Tensor StageColumns::run(
    size_t stage, size_t task, const Inputs& input) const {
  try {
    return columns_[task][stage].forward(input);
  } catch (const c10::Error&) {
    rethrow_with(c10::str(
        owner_,
        ": ",
        called(stage, names_[task]),
        " cannot take an input of shape ",
        input,
        ": "));
  }
}

std::vector<torch::Tensor> StageColumns::run_all(
    size_t stage, const std::vector<Inputs>& inputs) const {
  std::vector<torch::Tensor> outputs;
  outputs.reserve(columns_.size());
  for (size_t t = 0; t < columns_.size(); ++t) {
    outputs.push_back(run(stage, t, inputs[t]));
  }
  return outputs;
}

torch::Tensor StageColumns::stacked(
    size_t stage, const std::vector<torch::Tensor>& outputs) const {
  for (size_t t = 1; t < outputs.size(); ++t) {
    TORCH_CHECK_VALUE(
        outputs[t].sizes() == outputs[0].sizes(),
        owner_,
        ": expected ",
        called(stage),
        " to give every task one shape, but it gives '",
        names_[0],
        "' ",
        outputs[0].sizes(),
        " and '",
        names_[t],
        "' ",
        outputs[t].sizes(),
        ".");
  }
  return at::stack(outputs);
}

size_t StageColumns::checked(int64_t task) const {
  TORCH_CHECK_INDEX(
      task >= 0 && static_cast<size_t>(task) < tasks(),
      owner_,
      ": it serves ",
      tasks(),
      " tasks, but was asked for the one at place ",
      task,
      ".");
  return static_cast<size_t>(task);
}

size_t StageColumns::checked_stage(int64_t stage) const {
  TORCH_CHECK_INDEX(
      stage >= 0 && static_cast<size_t>(stage) < stages(),
      owner_,
      ": it has ",
      stages(),
      " stages, but was asked for the one at place ",
      stage,
      ".");
  return static_cast<size_t>(stage);
}

void StageColumns::check_all(int64_t tasks) const {
  TORCH_CHECK_VALUE(
      tasks >= 0 && static_cast<size_t>(tasks) == this->tasks(),
      owner_,
      ": it serves ",
      this->tasks(),
      " tasks, but was asked for ",
      tasks,
      ".");
}

void StageColumns::add_parameters(
    size_t task, size_t stage, std::vector<torch::Tensor>& all) const {
  const auto own = columns_[task][stage].module()->parameters();
  all.insert(all.end(), own.begin(), own.end());
}

} // namespace polytask::detail
