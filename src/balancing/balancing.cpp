// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/balancing.h>

#include <ATen/ops/scalar_tensor.h>
#include <c10/util/Exception.h>

#include <algorithm>

#include "core/check.h"

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
  TORCH_CHECK_VALUE(
      tasks >= 1, name(), ": expected at least one task, but got none.");
  if (tasks == tasks_) {
    return;
  }
  TORCH_CHECK_VALUE(
      tasks_ == 0 || buffers_.empty(),
      name(),
      ": keeps a state of ",
      tasks_,
      " tasks, but got ",
      tasks,
      "; reset() forgets it.");
  check_tasks(tasks);
  for (Balancing* part : parts()) {
    part->prepare(tasks);
  }
  tasks_ = tasks;
  try {
    start();
  } catch (...) {
    reset();
    throw;
  }
}

void Balancing::reset() {
  tasks_ = 0;
  for (auto& [name, tensor] : buffers_) {
    tensor.reset();
  }
  for (Balancing* part : parts()) {
    part->reset();
  }
}

bool Balancing::keeps_state() const {
  for (const auto& [name, tensor] : buffers_) {
    if (!tensor.defined() || !tensor.requires_grad()) {
      return true;
    }
  }
  const auto inner = parts();
  return std::any_of(inner.begin(), inner.end(), [](const Balancing* part) {
    return part->keeps_state();
  });
}

void Balancing::seed(uint64_t seed) {
  random_ = Random(seed);
  for (Balancing* part : parts()) {
    part->seed(seed);
    // The parts' random numbers are not to be the same.
    ++seed;
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
  int64_t index = 0;
  for (const Balancing* part : parts()) {
    for (const auto& [name, tensor] : part->state()) {
      state[std::to_string(index) + '/' + name] = tensor;
    }
    ++index;
  }
  return state;
}

void Balancing::load_state(const State& state) {
  State own;
  std::map<int64_t, State> inner;
  for (const auto& [key, tensor] : state) {
    const size_t end = key.find('/');
    const bool is_inner = end != std::string::npos && end > 0 && end < 9 &&
        key.find_first_not_of("0123456789") == end;
    if (is_inner) {
      inner[std::stoll(key.substr(0, end))][key.substr(end + 1)] = tensor;
    } else {
      own[key] = tensor;
    }
  }
  if (inner.empty() && parts().empty()) {
    load_own(own);
    return;
  }
  const auto load = [&](Balancing& into) {
    const auto count = static_cast<int64_t>(inner.size());
    into.make_parts(count);
    const auto into_parts = into.parts();
    TORCH_CHECK_VALUE(
        inner.rbegin()->first + 1 == count && into_parts.size() == inner.size(),
        name(),
        ": expected a state of ",
        into_parts.size(),
        " parts, but got one of ",
        count,
        ".");
    for (auto& [index, part_state] : inner) {
      into_parts[static_cast<size_t>(index)]->load_state(part_state);
    }
    into.load_own(own);
  };
  TORCH_CHECK_VALUE(
      !inner.empty(), name(), ": the state lacks that of its parts.");
  // What throws is thrown before anything is changed.
  load(*clone());
  load(*this);
}

// What the method has from its first step on, it must have.
void Balancing::check_start(const State& state, int64_t tasks) const {
  if (tasks == 0) {
    return;
  }
  const auto fresh = clone();
  fresh->reset();
  fresh->prepare(tasks);
  for (const auto& [key, tensor] : fresh->buffers_) {
    if (!tensor.defined()) {
      continue;
    }
    const auto found = state.find(key);
    TORCH_CHECK_VALUE(
        found != state.end() && found->second.defined(),
        name(),
        ": the state lacks '",
        key,
        "'; is it another method's?");
    TORCH_CHECK_VALUE(
        // One without elements is yet to get its shape.
        (found->second.sizes() == tensor.sizes() || tensor.numel() == 0) &&
            found->second.scalar_type() == tensor.scalar_type(),
        name(),
        ": expected '",
        key,
        "' in the state as ",
        tensor.toString(),
        " ",
        tensor.sizes(),
        ", but got ",
        found->second.toString(),
        " ",
        found->second.sizes(),
        ".");
  }
}

void Balancing::load_own(const State& state) {
  const auto tasks = state.find(kTasks);
  TORCH_CHECK_VALUE(
      tasks != state.end() && tasks->second.numel() == 1,
      name(),
      ": the state lacks 'tasks'.");
  const auto count = tasks->second.item<int64_t>();
  TORCH_CHECK_VALUE(
      count >= 0 && (tasks_ == 0 || count == tasks_),
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
  check_start(state, count);
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
  for (Balancing* part : parts()) {
    part->to(device);
  }
}

void Balancing::pretty_print(std::ostream& stream) const {
  stream << name() << '(';
  const char* between = "";
  for (const auto& [option, value] : options()) {
    stream << between << option << '=' << value;
    between = ", ";
  }
  stream << ')';
}

std::ostream& operator<<(std::ostream& stream, const Balancing& method) {
  method.pretty_print(stream);
  return stream;
}

void Balancing::observe_after(const at::Tensor& /*losses*/) {}

} // namespace polytask::balancing
