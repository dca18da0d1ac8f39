// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/task_sampler.h>

#include <c10/util/Exception.h>
#include <c10/util/Type.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>
#include <string_view>
#include <typeinfo>
#include <unordered_map>

#include "core/check.h"

namespace polytask {

namespace {

// For as long as a draw takes.
class Told {
 public:
  Told(const std::vector<bool>*& place, const std::vector<bool>& takes_part)
      : place_(place) {
    place_ = &takes_part;
  }
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;
  ~Told() {
    place_ = nullptr;
  }

 private:
  const std::vector<bool>*& place_;
};

} // namespace

void TaskSampler::start(const std::vector<std::string>& tasks, uint64_t seed) {
  TORCH_CHECK_VALUE(!tasks.empty(), "TaskSampler: there is no task to draw.");
  tasks_ = tasks;
  everybody_.assign(tasks.size(), true);
  draws_ = 0;
  epochs_ = 0;
  generator_.seed(seed);
  try {
    bind();
  } catch (...) {
    tasks_.clear();
    throw;
  }
}

void TaskSampler::check_started(const char* what) const {
  TORCH_CHECK(
      !tasks_.empty(), "TaskSampler: start() must come before ", what, "().");
}

int64_t TaskSampler::next() {
  check_started("next");
  const int64_t task = draw();
  ++draws_;
  return task;
}

std::optional<int64_t> TaskSampler::next(const std::vector<bool>& takes_part) {
  check_started("next");
  TORCH_CHECK_VALUE(
      takes_part.size() == tasks_.size(),
      "TaskSampler: expected to be told of ",
      tasks_.size(),
      " tasks whether they take part, but was told of ",
      takes_part.size(),
      ".");
  if (std::find(takes_part.begin(), takes_part.end(), true) ==
      takes_part.end()) {
    return std::nullopt;
  }
  const Told told(takes_part_, takes_part);
  const int64_t task = draw();
  if (task == kNobody) {
    return std::nullopt;
  }
  ++draws_;
  return task;
}

void TaskSampler::take_back(const Mark& mark) {
  draws_ = mark.draws;
  generator_ = mark.generator;
  set_values(mark.values);
}

void TaskSampler::observe(int64_t /*task*/, double /*loss*/) {}

SamplerState TaskSampler::state() const {
  std::ostringstream text;
  text << generator_;
  return {kind(), tasks_, draws_, epochs_, text.str(), values()};
}

std::string TaskSampler::kind() const {
  return c10::demangle(typeid(*this).name());
}

void TaskSampler::restore(const SamplerState& state) {
  check_started("restore");
  TORCH_CHECK_VALUE(
      state.sampler == kind() && state.tasks == tasks_,
      "TaskSampler: expected the state of a ",
      kind(),
      " over ",
      detail::quoted(tasks_),
      ", but got that of a ",
      state.sampler,
      " over ",
      detail::quoted(state.tasks),
      ".");
  TORCH_CHECK_VALUE(
      state.values.size() == values().size(),
      "TaskSampler: expected a state with ",
      values().size(),
      " values, but got ",
      state.values.size(),
      ".");
  TORCH_CHECK_VALUE(
      state.draws >= 0 && state.epochs >= 0 &&
          std::all_of(
              state.values.begin(),
              state.values.end(),
              [](double value) { return std::isfinite(value); }) &&
          are_values(state.values),
      "TaskSampler: the state has numbers that a ",
      kind(),
      " cannot have.");
  std::mt19937_64 generator;
  std::istringstream text(state.generator);
  text >> generator;
  TORCH_CHECK_VALUE(
      !text.fail() && (text >> std::ws).eof(),
      "TaskSampler: the generator's state cannot be read.");
  generator_ = generator;
  draws_ = state.draws;
  epochs_ = state.epochs;
  set_values(state.values);
}

std::vector<double> TaskSampler::by_task(const TaskNumbers& numbers) const {
  std::unordered_map<std::string_view, size_t> places;
  for (size_t i = 0; i < tasks_.size(); ++i) {
    places.emplace(tasks_[i], i);
  }
  std::vector<double> ordered(tasks_.size(), -1);
  for (const auto& [name, number] : numbers) {
    const auto found = places.find(name);
    TORCH_CHECK_VALUE(
        found != places.end(),
        "TaskSampler: there is no task '",
        name,
        "'; there is ",
        detail::quoted(tasks_),
        ".");
    TORCH_CHECK_VALUE(
        std::isfinite(number) && number >= 0,
        "TaskSampler: task '",
        name,
        "': expected a finite number of at least 0, but got ",
        number,
        ".");
    double& place = ordered[found->second];
    TORCH_CHECK_VALUE(
        place < 0, "TaskSampler: task '", name, "' has more than one number.");
    place = number;
  }
  for (size_t i = 0; i < tasks_.size(); ++i) {
    TORCH_CHECK_VALUE(
        ordered[i] >= 0,
        "TaskSampler: there is no number for task '",
        tasks_[i],
        "'.");
  }
  TORCH_CHECK_VALUE(
      std::accumulate(ordered.begin(), ordered.end(), 0.0) > 0,
      "TaskSampler: every task has the number 0.");
  return ordered;
}

double TaskSampler::uniform() {
  // 53 random bits: the same on every machine, unlike std's distributions.
  return static_cast<double>(generator_() >> 11) * 0x1p-53;
}

int64_t TaskSampler::draw_proportionally(const std::vector<double>& numbers) {
  const auto& takers = takes_part();
  const auto counts = [&](size_t i) { return takers[i] && numbers[i] > 0; };
  double sum = 0;
  for (size_t i = 0; i < numbers.size(); ++i) {
    sum += counts(i) ? numbers[i] : 0.0;
  }
  if (sum <= 0) {
    return kNobody;
  }
  double left = uniform() * sum;
  int64_t last = kNobody;
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (!counts(i)) {
      continue;
    }
    last = static_cast<int64_t>(i);
    left -= numbers[i];
    if (left < 0) {
      break;
    }
  }
  return last;
}

} // namespace polytask
