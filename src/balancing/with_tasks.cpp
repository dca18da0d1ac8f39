// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/balancing.h>

#include <ATen/ATen.h>
#include <c10/util/Exception.h>

namespace polytask::balancing {

namespace {

// Buffers of one number or row for each task.
bool is_by_task(const at::Tensor& tensor, int64_t tasks) {
  return tensor.defined() && tensor.dim() > 0 && tensor.size(0) == tasks;
}

at::Tensor selected(
    const at::Tensor& tensor, const at::Tensor& present, bool is_by_pair) {
  const at::Tensor index = present.to(tensor.device());
  // With its graph, where the tensor is trained.
  const at::Tensor part = tensor.index_select(0, index);
  return is_by_pair ? part.index_select(1, index) : part;
}

at::Tensor started_late(
    const at::Tensor& part,
    const at::Tensor& present,
    int64_t tasks,
    std::optional<double> start) {
  if (!start) {
    return {};
  }
  auto sizes = part.sizes().vec();
  sizes[0] = tasks;
  return at::full(sizes, *start, part.options())
      .index_copy_(0, present.to(part.device()), part);
}

// Ascending and below `tasks`.
bool are_places(const std::vector<int64_t>& places, int64_t tasks) {
  int64_t last = -1;
  for (const int64_t place : places) {
    if (place <= last || place >= tasks) {
      return false;
    }
    last = place;
  }
  return !places.empty();
}

} // namespace

void Balancing::select_buffers(const at::Tensor& present) {
  for (auto& [name, tensor] : buffers_) {
    if (is_by_task(tensor, tasks_)) {
      tensor = selected(tensor, present, is_by_pair(name));
    }
  }
}

void Balancing::restore_buffers(
    const std::map<std::string, at::Tensor>& whole, const at::Tensor& present) {
  const auto count = present.numel();
  const auto tasks = tasks_;
  for (auto& [name, tensor] : buffers_) {
    const at::Tensor& old = whole.at(name);
    if (is_by_task(old, tasks)) {
      if (is_by_task(tensor, count) && !old.requires_grad()) {
        at::Tensor merged =
            old.to(tensor.options(), /*non_blocking=*/false, /*copy=*/true);
        const at::Tensor index = present.to(merged.device());
        if (is_by_pair(name)) {
          merged.index_put_({index.unsqueeze(1), index.unsqueeze(0)}, tensor);
        } else {
          merged.index_copy_(0, index, tensor);
        }
        tensor = merged;
      } else {
        tensor = old;
      }
    } else if (!old.defined() && is_by_task(tensor, count)) {
      // A start that only some tasks made.
      tensor = started_late(tensor, present, tasks, late_start(name));
    }
  }
}

void Balancing::with_tasks(
    const std::vector<int64_t>& present, const std::function<void()>& action) {
  const auto count = static_cast<int64_t>(present.size());
  TORCH_CHECK_VALUE(
      tasks_ > 0, name(), ": with_tasks() needs prepare() before it.");
  TORCH_CHECK_VALUE(
      are_places(present, tasks_),
      name(),
      ": expected ascending places of some of ",
      tasks_,
      " tasks, but got ",
      present,
      ".");
  if (count == tasks_) {
    action();
    return;
  }
  const std::vector<Balancing*> inner = parts();
  const auto whole = buffers_;
  const auto tasks = tasks_;
  const auto outer = present_;
  const at::Tensor index = at::tensor(present, at::kLong);
  select_buffers(index);
  tasks_ = count;
  present_ = present;
  for (int64_t& task : present_) {
    task = outer.empty() ? task : outer[static_cast<size_t>(task)];
  }
  const auto restore = [&] {
    tasks_ = tasks;
    present_ = outer;
    restore_buffers(whole, index);
  };
  std::function<void()> wrapped = action;
  for (Balancing* part : inner) {
    wrapped = [part, &present, wrapped] { part->with_tasks(present, wrapped); };
  }
  try {
    wrapped();
  } catch (...) {
    restore();
    throw;
  }
  restore();
}

std::vector<double> Balancing::of_present(
    const std::vector<double>& numbers) const {
  if (present_.empty() || numbers.empty()) {
    return numbers;
  }
  std::vector<double> some;
  for (const int64_t task : present_) {
    some.push_back(numbers[static_cast<size_t>(task)]);
  }
  return some;
}

} // namespace polytask::balancing
