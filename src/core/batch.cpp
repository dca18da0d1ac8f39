// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/core/batch.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/check.h"
#include "core/missing.h"

namespace polytask {

namespace {

void check_example(const Batch::Example& example) {
  const auto& [task, input, target] = example;
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

// From here on a search by halves is quicker than one from the front.
constexpr size_t kManyTasks = 16;

// Floating-point inputs; of the first task alone where all share it.
template <typename Visit>
void for_each_input(
    const std::vector<Batch::Example>& examples,
    bool shared,
    const Visit& visit) {
  for (const auto& example : examples) {
    example.input.for_each([&](const std::string& name, const at::Tensor& one) {
      if (one.is_floating_point()) {
        visit(example, name, one);
      }
    });
    if (shared) {
      break;
    }
  }
}

void check_no_nan(const std::vector<Batch::Example>& examples, bool shared) {
  std::vector<at::Tensor> inputs;
  for_each_input(
      examples, shared, [&](const auto&, const auto&, const at::Tensor& one) {
        inputs.push_back(one);
      });
  const auto nans = detail::count_missing(inputs, Labels::kIgnoreIndex);
  if (std::count(nans.begin(), nans.end(), 0) ==
      static_cast<int64_t>(nans.size())) {
    return;
  }
  auto found = nans.begin();
  for_each_input(
      examples,
      shared,
      [&](const Batch::Example& example, const std::string& name, const auto&) {
        TORCH_CHECK_VALUE(
            *found == 0,
            "Batch: the input",
            example.input.is_tensor() ? std::string() : " '" + name + "'",
            shared ? std::string() : " of task '" + example.task + "'",
            " holds ",
            *found,
            " NaN. Fill or drop missing inputs; only labels may be missing.");
        ++found;
      });
}

std::vector<Labels> labels_of(
    const std::vector<Batch::Example>& examples, bool complete) {
  std::vector<at::Tensor> targets;
  std::vector<Labels> labels;
  for (const auto& example : examples) {
    if (complete) {
      labels.push_back(Labels::complete(example.target));
    } else {
      targets.push_back(example.target);
    }
  }
  return complete ? labels : Labels::inspect(targets);
}

at::Tensor only_tensor(const Inputs& inputs) {
  return inputs.is_tensor() ? inputs.tensor() : at::Tensor();
}

} // namespace

Batch::Batch(std::vector<Part> parts, bool shares_input, Index index)
    : parts_(std::move(parts)),
      shares_input_(shares_input),
      index_(std::move(index)) {}

Batch::Batch(Inputs input, const Targets& targets, BatchOptions options)
    : shares_input_(true) {
  std::vector<Example> examples;
  examples.reserve(targets.size());
  for (const auto& [task, target] : targets) {
    examples.push_back({task, input, target});
  }
  *this = make(std::move(examples), /*shares_input=*/true, options);
}

Batch Batch::per_task(std::vector<Example> examples, BatchOptions options) {
  return make(std::move(examples), /*shares_input=*/false, options);
}

Batch::Index Batch::index_of(const std::vector<Example>& examples) {
  TORCH_CHECK_VALUE(!examples.empty(), "Batch: it has no task.");
  const auto refuse_twice = [](const std::string& task) {
    TORCH_CHECK_VALUE(false, "Batch: task '", task, "' comes more than once.");
  };
  if (examples.size() < kManyTasks) {
    for (auto it = examples.begin(); it != examples.end(); ++it) {
      if (std::any_of(examples.begin(), it, [&](const Example& example) {
            return example.task == it->task;
          })) {
        refuse_twice(it->task);
      }
    }
    return nullptr;
  }
  std::vector<size_t> places(examples.size());
  std::iota(places.begin(), places.end(), size_t{0});
  std::sort(places.begin(), places.end(), [&](size_t a, size_t b) {
    return examples[a].task < examples[b].task;
  });
  for (size_t i = 1; i < places.size(); ++i) {
    if (examples[places[i]].task == examples[places[i - 1]].task) {
      refuse_twice(examples[places[i]].task);
    }
  }
  return std::make_shared<const std::vector<size_t>>(std::move(places));
}

Batch Batch::make(
    std::vector<Example> examples,
    bool shares_input,
    const BatchOptions& options) {
  Index index = index_of(examples);
  for (const auto& example : examples) {
    check_example(example);
    TORCH_CHECK_VALUE(
        example.input.device() == examples[0].input.device(),
        "Batch: task '",
        example.task,
        "' is on ",
        example.input.device(),
        ", but task '",
        examples[0].task,
        "' on ",
        examples[0].input.device(),
        ".");
  }
  if (options.check_input()) {
    check_no_nan(examples, shares_input);
  }
  auto labels = labels_of(examples, options.complete());
  std::vector<Part> parts;
  parts.reserve(examples.size());
  for (size_t i = 0; i < examples.size(); ++i) {
    auto& [task, input, target] = examples[i];
    parts.push_back(
        {std::move(task), only_tensor(input), std::move(labels[i]), input});
  }
  return Batch(std::move(parts), shares_input, std::move(index));
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
  const auto found = std::lower_bound(
      index_->begin(),
      index_->end(),
      task,
      [&](size_t place, const std::string& name) {
        return parts_[place].task < name;
      });
  const bool is_there = found != index_->end() && parts_[*found].task == task;
  return is_there ? &parts_[*found] : nullptr;
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
  // Once, where tasks have the same input.
  std::unordered_map<const void*, Inputs> moved;
  std::vector<Part> parts;
  parts.reserve(parts_.size());
  for (const auto& part : parts_) {
    const void* const own = part.inputs.identity();
    auto found = moved.find(own);
    if (found == moved.end()) {
      found = moved.emplace(own, part.inputs.to(device)).first;
    }
    const Inputs& inputs = found->second;
    parts.push_back(
        {part.task, only_tensor(inputs), part.labels.to(device), inputs});
  }
  return Batch(std::move(parts), shares_input_, index_);
}

} // namespace polytask
