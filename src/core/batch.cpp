// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/core/batch.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/check.h"
#include "core/input_look.h"
#include "core/name_index.h"

namespace polytask {

namespace {

// From here on a search by hashes is quicker than one from the front.
constexpr size_t kManyTasks = 16;

void check_example(
    const std::string& task, const Inputs& input, const at::Tensor& target) {
  // Several tensors were looked at when they were put together.
  TORCH_CHECK_VALUE(
      !input.is_tensor() || input.tensor().defined(),
      "Batch: the input of task '",
      task,
      "' is undefined.");
  TORCH_CHECK_VALUE(
      target.defined(), "Batch: the target of task '", task, "' is undefined.");
  TORCH_CHECK_VALUE(
      (!input.is_tensor() || input.tensor().dim() >= 1) && target.dim() >= 1,
      "Batch: task '",
      task,
      "': expected tensors whose first dimension counts rows, but got an input "
      "of shape ",
      input,
      " and a target of shape ",
      target.sizes(),
      ".");
  TORCH_CHECK_VALUE(
      input.rows() > 0, "Batch: task '", task, "': the batch has no rows.");
  TORCH_CHECK_VALUE(
      input.rows() == target.size(0),
      "Batch: task '",
      task,
      "': expected one label row for each of the ",
      input.rows(),
      " input rows, but the target has shape ",
      target.sizes(),
      ".");
  TORCH_CHECK_VALUE(
      input.device() == target.device(),
      "Batch: task '",
      task,
      "': the input is on ",
      input.device(),
      " and the target on ",
      target.device(),
      ".");
}

at::Tensor only_tensor(const Inputs& inputs) {
  return inputs.is_tensor() ? inputs.tensor() : at::Tensor();
}

} // namespace

Batch::Batch(size_t count, bool shares_input, const BatchOptions& options)
    : shares_input_(shares_input) {
  TORCH_CHECK_VALUE(count > 0, "Batch: it has no task.");
  parts_.reserve(count);
  if (options.check_input()) {
    looks_.reset(new detail::InputLook[shares_input ? 1 : count]);
  }
}

Batch::Batch(Inputs input, const Targets& targets, BatchOptions options)
    : Batch(targets.size(), /*shares_input=*/true, options) {
  const auto missing = options.complete() ? Labels::ManyMissing()
                                          : Labels::unknown(targets.size());
  for (const auto& [task, target] : targets) {
    add(task, input, target, missing);
  }
  finish(missing);
}

Batch Batch::per_task(std::vector<Example> examples, BatchOptions options) {
  Batch batch(examples.size(), /*shares_input=*/false, options);
  const auto missing = options.complete() ? Labels::ManyMissing()
                                          : Labels::unknown(examples.size());
  for (const auto& [task, input, target] : examples) {
    batch.add(task, input, target, missing);
  }
  batch.finish(missing);
  return batch;
}

void Batch::add(
    const std::string& task,
    const Inputs& input,
    const at::Tensor& target,
    const Labels::ManyMissing& missing) {
  check_example(task, input, target);
  const at::Device first =
      parts_.empty() ? input.device() : parts_[0].inputs.device();
  TORCH_CHECK_VALUE(
      input.device() == first,
      "Batch: task '",
      task,
      "' is on ",
      input.device(),
      ", but task '",
      parts_.empty() ? task : parts_[0].task,
      "' on ",
      first,
      ".");
  parts_.push_back(
      {task,
       only_tensor(input),
       missing ? Labels::one_of(missing, parts_.size(), target)
               : Labels::complete(target),
       input});
}

void Batch::finish(const Labels::ManyMissing& missing) {
  index_tasks();
  if (!missing || device().is_cpu()) {
    return;
  }
  std::vector<const at::Tensor*> targets;
  for (const Part& part : parts_) {
    targets.push_back(&part.labels.target());
  }
  Labels::count_on_devices(missing, targets);
}

void Batch::index_tasks() {
  const auto name_of = [this](size_t place) -> const std::string& {
    return parts_[place].task;
  };
  const auto index = parts_.size() < kManyTasks
      ? nullptr
      : std::make_shared<detail::NameIndex>(parts_.size());
  for (size_t i = 0; i < parts_.size(); ++i) {
    const bool is_new =
        index ? index->add(i, name_of) : find(name_of(i)) == &parts_[i];
    TORCH_CHECK_VALUE(
        is_new, "Batch: task '", name_of(i), "' comes more than once.");
  }
  index_ = index;
}

void Batch::check_input() const {
  if (detail::InputLook::is_due_in(*this)) {
    detail::look_through(detail::InputLook::due_in(*this));
  }
}

Batch Batch::with_weights(const Targets& weights) const {
  Batch weighted = *this;
  std::unordered_set<std::string> seen;
  for (const auto& [task, own] : weights) {
    TORCH_CHECK_VALUE(
        seen.insert(task).second,
        "Batch: there are two weights for task '",
        task,
        "'.");
    const auto place = static_cast<size_t>(&part(task) - parts_.data());
    Labels& labels = weighted.parts_[place].labels;
    try {
      labels = labels.with_weights(own);
    } catch (const c10::Error&) {
      detail::rethrow_with("Batch: task '" + task + "': ");
    }
  }
  return weighted;
}

const at::Tensor& Batch::input() const {
  return inputs().tensor();
}

const Inputs& Batch::inputs() const {
  TORCH_CHECK_VALUE(
      shares_input_,
      "Batch: each task has an input of its own; ask part(task).input.");
  return parts_[0].inputs;
}

const Batch::Part* Batch::find(const std::string& task) const {
  if (!index_) {
    const auto found =
        std::find_if(parts_.begin(), parts_.end(), [&](const Part& part) {
          return part.task == task;
        });
    return found == parts_.end() ? nullptr : &*found;
  }
  const size_t found =
      index_->find(task, [this](size_t place) -> const std::string& {
        return parts_[place].task;
      });
  return found == detail::NameIndex::kNowhere ? nullptr : &parts_[found];
}

const Batch::Part& Batch::part(const std::string& task) const {
  const Part* found = find(task);
  TORCH_CHECK_VALUE(
      found != nullptr,
      "Batch: it has no task '",
      task,
      "'; it has ",
      detail::quoted(tasks()),
      ".");
  return *found;
}

bool Batch::has(const std::string& task) const {
  return find(task) != nullptr;
}

std::vector<std::string> Batch::tasks() const {
  std::vector<std::string> names;
  names.reserve(parts_.size());
  for (const auto& part : parts_) {
    names.push_back(part.task);
  }
  return names;
}

int64_t Batch::rows() const {
  if (shares_input_) {
    return parts_[0].inputs.rows();
  }
  int64_t rows = 0;
  for (const auto& part : parts_) {
    rows += part.inputs.rows();
  }
  return rows;
}

at::Device Batch::device() const {
  return parts_[0].inputs.device();
}

Batch Batch::to(const at::Device& device) const {
  const bool moves = device != this->device();
  if (moves) {
    check_input();
  }
  Batch other = *this;
  // Once, where tasks have the same input.
  std::unordered_map<const void*, Inputs> moved;
  for (Part& part : other.parts_) {
    const void* const own = part.inputs.identity();
    auto found = moved.find(own);
    if (found == moved.end()) {
      found = moved.emplace(own, part.inputs.to(device)).first;
    }
    part.inputs = found->second;
    part.input = only_tensor(part.inputs);
    part.labels = part.labels.to(device);
  }
  if (moves) {
    other.looks_.reset();
  }
  return other;
}

} // namespace polytask
