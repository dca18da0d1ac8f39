// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/core/batch.h>

#include <c10/util/Exception.h>

#include <algorithm>

#include "core/check.h"
#include "core/missing.h"

namespace polytask {

namespace {

void check_example(const Batch::Example& example) {
  const auto& [task, input, target] = example;
  TORCH_CHECK_VALUE(
      input.defined(), "Batch: the input of task '", task, "' is undefined.");
  TORCH_CHECK_VALUE(
      target.defined(), "Batch: the target of task '", task, "' is undefined.");
  TORCH_CHECK_VALUE(
      input.dim() >= 1 && target.dim() >= 1,
      "Batch: task '",
      task,
      "': expected tensors whose first dimension counts rows, but got an input "
      "of shape ",
      input.sizes(),
      " and a target of shape ",
      target.sizes(),
      ".");
  TORCH_CHECK_VALUE(
      input.size(0) > 0, "Batch: task '", task, "': the batch has no rows.");
  TORCH_CHECK_VALUE(
      input.size(0) == target.size(0),
      "Batch: task '",
      task,
      "': expected one label row for each of the ",
      input.size(0),
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

void check_tasks(const std::vector<Batch::Example>& examples) {
  TORCH_CHECK_VALUE(!examples.empty(), "Batch: it has no task.");
  for (auto it = examples.begin(); it != examples.end(); ++it) {
    const bool again = std::any_of(examples.begin(), it, [&](const auto& e) {
      return e.task == it->task;
    });
    TORCH_CHECK_VALUE(
        !again, "Batch: task '", it->task, "' comes more than once.");
  }
}

void check_no_nan(const std::vector<Batch::Example>& examples, bool shared) {
  std::vector<at::Tensor> inputs;
  for (const auto& example : examples) {
    inputs.push_back(
        example.input.is_floating_point() ? example.input : at::Tensor());
    if (shared) {
      break;
    }
  }
  const auto nans = detail::count_missing(inputs, Labels::kIgnoreIndex);
  for (size_t i = 0; i < nans.size(); ++i) {
    TORCH_CHECK_VALUE(
        nans[i] == 0,
        "Batch: the input",
        shared ? "" : c10::str(" of task '", examples[i].task, "'"),
        " holds ",
        nans[i],
        " NaN. Fill or drop missing inputs; only labels may be missing.");
  }
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

} // namespace

Batch::Batch(std::vector<Part> parts, bool shares_input)
    : parts_(std::move(parts)), shares_input_(shares_input) {}

Batch::Batch(at::Tensor input, const Targets& targets, BatchOptions options)
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

Batch Batch::make(
    std::vector<Example> examples,
    bool shares_input,
    const BatchOptions& options) {
  check_tasks(examples);
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
  const auto labels = labels_of(examples, options.complete());
  std::vector<Part> parts;
  parts.reserve(examples.size());
  for (size_t i = 0; i < examples.size(); ++i) {
    parts.push_back({examples[i].task, examples[i].input, labels[i]});
  }
  return Batch(std::move(parts), shares_input);
}

const at::Tensor& Batch::input() const {
  TORCH_CHECK_VALUE(
      shares_input_,
      "Batch: each task has an input of its own; ask part(task).input.");
  return parts_[0].input;
}

const Batch::Part& Batch::part(const std::string& task) const {
  for (const auto& part : parts_) {
    if (part.task == task) {
      return part;
    }
  }
  TORCH_CHECK_VALUE(
      false,
      "Batch: it has no task '",
      task,
      "'; it has ",
      detail::quoted(tasks()),
      ".");
}

bool Batch::has(const std::string& task) const {
  return std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) {
    return part.task == task;
  });
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
    return parts_[0].input.size(0);
  }
  int64_t rows = 0;
  for (const auto& part : parts_) {
    rows += part.input.size(0);
  }
  return rows;
}

at::Device Batch::device() const {
  return parts_[0].input.device();
}

Batch Batch::to(const at::Device& device) const {
  const at::Tensor shared = shares_input_ ? input().to(device) : at::Tensor();
  std::vector<Part> parts;
  parts.reserve(parts_.size());
  for (const auto& part : parts_) {
    parts.push_back(
        {part.task,
         shares_input_ ? shared : part.input.to(device),
         part.labels.to(device)});
  }
  return Batch(std::move(parts), shares_input_);
}

} // namespace polytask
