// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/balancing.h>

#include <ATen/ops/scalar_tensor.h>
#include <c10/util/Exception.h>

#include <polytask/core/check.h>

namespace polytask::balancing {

namespace {

constexpr const char* kTasks = "tasks";
constexpr const char* kRandom = "random";

std::map<std::string, at::Tensor> copies(
    const std::map<std::string, at::Tensor>& tensors) {
  std::map<std::string, at::Tensor> copied;
  for (const auto& [name, tensor] : tensors) {
    copied[name] = tensor.defined()
        ? tensor.detach().clone().requires_grad_(tensor.requires_grad())
        : at::Tensor();
  }
  return copied;
}

} // namespace

Balancing::Balancing(const Balancing& other)
    : tasks_(other.tasks_),
      buffers_(copies(other.buffers_)),
      random_(other.random_) {}

Balancing& Balancing::operator=(const Balancing& other) {
  tasks_ = other.tasks_;
  buffers_ = copies(other.buffers_);
  random_ = other.random_;
  return *this;
}

void Balancing::prepare(int64_t tasks) {
  if (tasks == tasks_) {
    return;
  }
  TORCH_CHECK_VALUE(
      tasks >= 1, name(), ": expected at least one task, but got none.");
  TORCH_CHECK_VALUE(
      tasks_ == 0 || buffers_.empty(),
      name(),
      ": keeps a state of ",
      tasks_,
      " tasks, but got ",
      tasks,
      "; reset() forgets it.");
  check_tasks(tasks);
  tasks_ = tasks;
  start();
}

void Balancing::reset() {
  tasks_ = 0;
  for (auto& [name, tensor] : buffers_) {
    tensor.reset();
  }
}

State Balancing::state() const {
  State state;
  for (const auto& [name, tensor] : copies(buffers_)) {
    if (tensor.defined()) {
      state[name] = tensor.detach();
    }
  }
  if (is_random()) {
    state[kRandom] = random_.state();
  }
  state[kTasks] = at::scalar_tensor(tasks_, at::kLong);
  return state;
}

void Balancing::load_state(const State& state) {
  const auto tasks = state.find(kTasks);
  TORCH_CHECK_VALUE(
      tasks != state.end() && tasks->second.numel() == 1,
      name(),
      ": the state lacks 'tasks'.");
  const auto count = tasks->second.item<int64_t>();
  TORCH_CHECK_VALUE(
      tasks_ == 0 || count == tasks_,
      name(),
      ": expected a state of ",
      tasks_,
      " tasks, but got one of ",
      count,
      ".");
  for (const auto& [key, tensor] : state) {
    const bool known = key == kTasks || buffers_.contains(key) ||
        (key == kRandom && is_random());
    TORCH_CHECK_VALUE(
        known, name(), ": the state has '", key, "', which is not its own.");
  }
  // Looks at it before anything is changed.
  Random random = random_;
  if (is_random()) {
    const auto found = state.find(kRandom);
    TORCH_CHECK_VALUE(
        found != state.end(), name(), ": the state lacks 'random'.");
    random.restore(found->second);
  }
  if (tasks_ == 0 && count > 0) {
    prepare(count);
  }
  random_ = random;
  for (auto& [key, tensor] : buffers_) {
    const auto found = state.find(key);
    const bool trained = tensor.defined() && tensor.requires_grad();
    if (found == state.end()) {
      tensor.reset();
    } else if (trained && tensor.sizes() == found->second.sizes()) {
      // An optimizer may hold it.
      tensor.detach().copy_(found->second);
    } else {
      tensor = found->second.detach().clone().requires_grad_(trained);
    }
  }
}

void Balancing::to(const at::Device& device) {
  for (auto& [name, tensor] : buffers_) {
    if (tensor.defined() && tensor.dim() > 1) {
      tensor = tensor.to(device);
    }
  }
}

void Balancing::observe_after(const at::Tensor& /*losses*/) {}

} // namespace polytask::balancing
